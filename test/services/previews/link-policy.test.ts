import { expect, it } from 'vitest'
import { LinkPolicy, parseLink } from '../../../src/services/previews/link-policy.ts'

const allows = (allow: string[], block: string[], url: string) => new LinkPolicy(allow, block).allows(new URL(url))

it.each([
  ['https://example.org/', ['*'], [], true],
  ['http://example.org./', ['example.org'], [], true],
  ['https://www.example.org/', ['example.org'], [], false],
  ['https://www.example.org/', ['*.example.org'], [], true],
  ['https://example.org/', ['*.example.org'], [], true],
  ['https://badexample.org/', ['*.example.org'], [], false],
  ['https://기관.한국/', ['*.한국'], [], true],
  ['https://example.org:8443/', ['*'], [], false],
  ['https://example.org:8443/', ['*:8443'], [], true],
  ['https://example.org:8443/', ['*:*'], [], true],
  ['https://example.org:8443/', ['*:*'], ['example.org'], false],
  ['https://example.org/', ['*'], ['*.example.org:443'], false],
  ['https://example.org/', ['*'], ['example.org:8443'], true],
  ['https://[2001:db8::1]/', ['[2001:db8::1]'], [], true],
  ['https://user:secret@example.org/', ['*'], [], false],
  ['ftp://example.org/', ['*:*'], [], false],
])('%s, with %j allowed and %j blocked: %s', (url, allow, block, expected) => {
  expect(allows(allow, block, url)).toBe(expected)
})

it('reads links without their fragments', () => {
  expect(parseLink('https://example.org/a?b#c').href).toBe('https://example.org/a?b')
  for (const text of [
    '',
    'example.org',
    'javascript:alert(1)',
    'file:///etc/passwd',
    `https://a.test/${'x'.repeat(2048)}`,
  ]) {
    expect(() => parseLink(text)).toThrow('Not a web address')
  }
  expect(() => parseLink('https://me:pw@example.org/')).toThrow('password')
})
