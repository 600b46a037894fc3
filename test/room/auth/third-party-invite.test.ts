import { expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../src/matrix/json.ts'
import { signJson } from '../../../src/matrix/sign-json.ts'
import { ALL, eventOf, member, verdictOn, type World } from '../../support/auth-rules.ts'
import { keyOf } from '../../support/room-builder.ts'

const carol = '@carol:c'
const identity = keyOf('identity')
const other = keyOf('other')

const signed = (fields: JsonObject = {}, key = identity): JsonObject =>
  signJson({ mxid: carol, token: 'token', ...fields }, 'identity', key)

const invite = (thirdParty: Json, sender = '@mod:a') =>
  eventOf(member(carol, 'invite', sender, { third_party_invite: thirdParty }))

const world = (content: JsonObject = { public_key: identity.publicKey }, more: World = {}): World => ({
  more: [{ type: 'm.room.third_party_invite', sender: '@mod:a', state_key: 'token', content }],
  ...more,
})

const expectAll = (event: ReturnType<typeof invite>, room: World) =>
  expect(new Set(ALL.map((id) => verdictOn(event, room, id))))

it('rule 5.4.1.7: allows an invite that the identity server has signed', () => {
  expectAll(invite({ signed: signed() }), world()).toEqual(new Set([undefined]))
})

it('rule 5.4.1.7.2: knows keys from the list, too', () => {
  const keys = { public_key: other.publicKey, public_keys: [{ public_key: identity.publicKey }] }
  expectAll(invite({ signed: signed() }), world(keys)).toEqual(new Set([undefined]))
})

it('rule 5.4.1.7: any signature will do', () => {
  const both = signJson(signed({}, other), 'elsewhere', identity)
  expectAll(invite({ signed: both }), world()).toEqual(new Set([undefined]))
})

it('asks neither whether the sender is still in the room nor for the power to invite', () => {
  const room = world({ public_key: identity.publicKey }, { members: { '@mod:a': 'leave' }, levels: { invite: 100 } })
  expectAll(invite({ signed: signed() }), room).toEqual(new Set([undefined]))
})

it('rule 5.4.1.1: refuses it for the banned', () => {
  const room = world(undefined, { members: { [carol]: 'ban' } })
  expectAll(invite({ signed: signed() }), room).toEqual(new Set(['The user is banned']))
})

it('rule 5.4.1.2: refuses it unsigned', () => {
  for (const thirdParty of [{}, { signed: 'x' }, { signed: null }, 'x', null, []]) {
    expectAll(invite(thirdParty), world()).toEqual(new Set(['The third-party invite is not signed']))
  }
})

it('rule 5.4.1.3: refuses it without user or token', () => {
  for (const fields of [{ mxid: null }, { token: null }, { token: 5 }]) {
    const refused = 'The third-party invite names no user or no token'
    expectAll(invite({ signed: signed(fields) }), world()).toEqual(new Set([refused]))
  }
})

it('rule 5.4.1.4: refuses it for another user', () => {
  const refused = 'The third-party invite is for another user'
  expectAll(invite({ signed: signed({ mxid: '@dave:d' }) }), world()).toEqual(new Set([refused]))
})

it('rule 5.4.1.5: refuses it where nobody has invited', () => {
  const refused = 'There is no such third-party invite'
  expectAll(invite({ signed: signed({ token: 'another' }) }), world()).toEqual(new Set([refused]))
  expectAll(invite({ signed: signed() }), {}).toEqual(new Set([refused]))
})

it('rule 5.4.1.6: refuses it from another than who invited', () => {
  const refused = 'The third-party invite is from another user'
  expectAll(invite({ signed: signed() }, '@alice:a'), world()).toEqual(new Set([refused]))
})

it('rule 5.4.1.8: refuses signatures by other keys, of other texts, and what is no signature or no key', () => {
  const refused = new Set(['The third-party invite is signed by none of its keys'])
  expectAll(invite({ signed: signed({}, other) }), world()).toEqual(refused)
  expectAll(invite({ signed: { ...signed(), more: 1 } }), world()).toEqual(refused)
  for (const signatures of [undefined, null, 5, {}, { identity: null }, { identity: { 'ed25519:test': 'x' } }]) {
    const { signatures: _, ...unsigned } = signed()
    expectAll(invite({ signed: { ...unsigned, ...(signatures !== undefined && { signatures }) } }), world()).toEqual(
      refused,
    )
  }
  for (const content of [{}, { public_key: 5 }, { public_key: 'x' }, { public_keys: 5 }, { public_keys: [null, {}] }]) {
    expectAll(invite({ signed: signed() }), world(content)).toEqual(refused)
  }
})

it('tries no flood of signatures and keys', () => {
  const keys = { public_keys: Array.from({ length: 60 }, () => ({ public_key: identity.publicKey })) }
  const refused = new Set(['The third-party invite is signed by none of its keys'])
  expectAll(invite({ signed: signed() }), world(keys)).toEqual(refused)
})
