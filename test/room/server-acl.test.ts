import { expect, it } from 'vitest'
import { mayTakePart } from '../../src/room/server-acl.ts'

it.each([
  ['evil.test', 'a plain name'],
  ['EVIL.test', 'in other letters'],
  ['evil.test:8448', 'at its port'],
  ['evil.test:1', 'at another port'],
  ['xn--3e0b707e', 'as its punycode'],
  ['a.evil.test', 'a name below'],
  ['evil.test.', 'with the dot of the root'],
  ['EVIL.test.:8448', 'with all of it'],
  ['192.0.2.1', 'an address'],
  ['3221225985', 'an address as one number'],
  ['0xc0.0.2.1', 'an address in hexadecimal'],
  ['[2001:db8:0:0::1]:8448', 'an address at length'],
])('keeps %s out: %s', (name) => {
  const acl = { allow: ['*'], deny: ['eVil.Test', '*.evil.test', 'XN--3e0b707e', '192.0.2.*', '[2001:db8::1]'] }
  expect(mayTakePart(name, acl)).toBe(false)
})

it.each(['good.test', 'evil.test.good.test', 'notevil.test', 'evilxtest'])('lets %s in', (name) => {
  expect(mayTakePart(name, { allow: ['*'], deny: ['evil.test'] })).toBe(true)
})

it.each([
  '10.0.0.1',
  '10.0.0.1:8448',
  '10.0.0.1.',
  '[::1]',
  '[2001:db8::1]:8448',
  '[::ffff:10.0.0.1]',
  '167772161',
  '0x0a.0.0.1:8448',
  '012.1',
])('keeps the address %s out', (name) => {
  expect(mayTakePart(name, { allow: ['*'], allow_ip_literals: false })).toBe(false)
  expect(mayTakePart(name, { allow: ['*'] })).toBe(true)
})

it('takes names for names, also with digits in them', () => {
  const acl = { allow: ['*'], allow_ip_literals: false }
  for (const name of ['10.example', '1.2.3.4.example', '3com.test', '0x7f.test'])
    expect([name, mayTakePart(name, acl)]).toEqual([name, true])
})

it('keeps everybody out who is not allowed, and lets everybody in where there is no rule', () => {
  expect(mayTakePart('a.test', {})).toBe(false)
  expect(mayTakePart('a.test', { allow: 'a.test' })).toBe(false)
  expect(mayTakePart('a.test', { allow: [7, null, 'a.*'] })).toBe(true)
  expect(mayTakePart('a.test', undefined)).toBe(true)
})

it('is not slow however the patterns are made', () => {
  const acl = { allow: Array.from({ length: 1000 }, () => `${'*a'.repeat(20)}b`) }
  const started = performance.now()
  expect(mayTakePart('a'.repeat(255), acl)).toBe(false)
  expect(performance.now() - started).toBeLessThan(1000)
})
