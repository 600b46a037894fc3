import { expect, it } from 'vitest'
import { FederationPolicy } from '../../src/federation/policy/policy.ts'
import { ServerList } from '../../src/federation/policy/server-list.ts'

const list = (...names: string[]) => new ServerList(names.map((name) => ({ name })))

it.each([
  ['moef.go.kr', 'moef.go.kr'],
  ['moef.go.kr', 'MOEF.Go.Kr'],
  ['MOEF.go.kr', 'moef.go.kr'],
  ['moef.go.kr', 'moef.go.kr.'],
  ['moef.go.kr', 'moef.go.kr:8448'],
  ['moef.go.kr:8448', 'moef.go.kr'],
  ['moef.go.kr:9000', 'moef.go.kr:9000'],
  ['moef.go.kr:*', 'moef.go.kr:9000'],
  ['*.go.kr', 'a.b.go.kr'],
  ['m?ef.go.kr', 'moef.go.kr'],
  ['기획재정부.한국', 'xn--ok0bk40aguh9lal11d.xn--3e0b707e'],
  ['[2001:db8:0:0::1]', '[2001:DB8::1]'],
  ['192.0.2.1', '192.0.2.1:8448'],
])('a list with %s has %s', (entry, name) => {
  expect(list(entry).has(name)).toBe(true)
})

it.each([
  ['moef.go.kr', 'moef.go.kr.evil.test'],
  ['moef.go.kr', 'evil.moef.go.kr'],
  ['moef.go.kr', 'moefxgo.kr'],
  ['moef.go.kr', 'moef.go.kr:9000'],
  ['moef.go.kr:9000', 'moef.go.kr'],
  ['*.go.kr', 'go.kr'],
  ['*.go.kr', 'evil.test/.go.kr'],
  ['*.go.kr', 'evil.test#.go.kr'],
  ['*.go.kr', 'evil.test:1.go.kr'],
  ['*.go.kr', 'evil.test\n.go.kr'],
  ['*.go.kr', '@a.go.kr'],
  ['기획재정부.한국', '기획재정부.한국'], // names are ASCII; entries need not be
  ['*.go.kr', 'a.go.kr:99999'],
  ['*.go.kr', ''],
  ['*', '[::1]extra'],
  ['10.0.0.*', '10.0.0.1.evil.test'],
  ['192.0.2.1', '192.0.2.1.evil.test'],
  ['192.0.2.1', '[::ffff:192.0.2.1]'],
  ['192.0.2.1', '192.0.2.10'],
  ['[2001:db8::1]', '[2001:db8::1%eth0]'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['moef.go.kr', 'moef.go.kr..'],
  ['moef.go.kr', '.moef.go.kr'],
  ['moef.go.kr', 'moef.go.kr:08448:1'],
  ['moef.go.kr', 'ｍoef.go.kr'],
  ['moef.go.kr', 'moef。go.kr'],
  ['moef.go.kr', 'mоef.go.kr'], // a Cyrillic letter
])('a list with %s does not have %j', (entry, name) => {
  expect(list(entry).has(name)).toBe(false)
})

it('has no entry for what it cannot understand', () => {
  expect(list('', 'a b', 'https://a.test', '*/*').has('a.test')).toBe(false)
})

it.each([
  ['closed', 'friend.test', false],
  ['list', 'friend.test', true],
  ['list', 'stranger.test', false],
  ['open', 'stranger.test', true],
  ['open', 'not a name', false],
  ['closed', 'own.test', true],
] as const)('a %s server and %s: %s', (mode, name, expected) => {
  const servers = [{ name: 'friend.test' }]
  const policy = new FederationPolicy({
    serverName: 'own.test',
    mode,
    servers,
    signedList: undefined,
    unlistedMembers: 'refuse',
  })
  expect(policy.mayFederate(name)).toBe(expected)
})

it('knows the pinned key of a server in every spelling of its name', () => {
  const servers = new ServerList([{ name: 'moef.go.kr', key: 'abc=' }, { name: '*' }])
  expect(servers.keyOf('MOEF.go.kr.:8448')).toBe('abc')
  expect(servers.keyOf('other.test')).toBe(undefined)
})
