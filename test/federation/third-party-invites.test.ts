import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { signJson } from '../../src/matrix/sign-json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import type { User } from '../support/client.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, membershipBecomes, membershipOf, pair, seen, until } from '../support/federated.ts'
import type { Federated } from '../support/servers.ts'

const TOKEN = 'token'

/** What an identity server says of an invited address: whose it is by now. */
const vouch = (key: SigningKey, mxid: string): JsonObject =>
  signJson<JsonObject>({ mxid, token: TOKEN }, 'identity.test', key)

/** A room of alice's on one.test, into which she has invited an address that an identity server will vouch for. */
async function invited() {
  const { world, one, two, alice, bob } = await pair()
  const key = new SigningKey('0', randomBytes(32))
  const roomId = await alice.createRoom({ preset: 'private_chat' })
  const address = {
    display_name: 'bob@exa...',
    key_validity_url: 'https://identity.test/valid',
    public_key: key.publicKey,
  }
  await alice.sendState(roomId, 'm.room.third_party_invite', address, TOKEN)
  const identity = await FakeServer.start(world, 'identity.test')
  /** Tells a server that the address belongs to its user. */
  const bind = async (server: Federated, { userId: mxid }: User, signed: JsonObject) => {
    const invited = { medium: 'email', address: 'bob@example.org', mxid }
    const content = { ...invited, invites: [{ ...invited, room_id: roomId, sender: alice.userId, signed }] }
    const asked = { content, authorization: [] }
    expect((await identity.ask(server, 'PUT', '/_matrix/federation/v1/3pid/onbind', asked)).status).toBe(200)
  }
  return { world, one, two, alice, bob, key, roomId, bind }
}

const isInvited = (user: User, roomId: string) =>
  until(
    () => user.sync(),
    ({ rooms }) => rooms?.invite?.[roomId] !== undefined,
  )

describe('an invite to an address', () => {
  it('reaches the user of another server to whom the address turns out to belong', async () => {
    const { one, two, alice, bob, key, roomId, bind } = await invited()
    await bind(two, bob, vouch(key, bob.userId))
    await isInvited(bob, roomId)
    expect(await membershipOf(alice, roomId, bob.userId)).toBe('invite')
    await joinVia(bob, roomId, one.name)
    await bob.send(roomId, 'thank you')
    await seen(alice, roomId, 'thank you')
    await membershipBecomes(alice, roomId, bob.userId, 'join')
  })

  it('reaches a user of the same server', async () => {
    const { one, key, roomId, bind } = await invited()
    const amy = await one.client.register('amy')
    await bind(one, amy, vouch(key, amy.userId))
    await isInvited(amy, roomId)
    await amy.join(roomId)
  })

  it('is nobody else’s, and good only with the signature of the identity server', async () => {
    const { two, alice, bob, key, roomId, bind } = await invited()
    const eve = await two.client.register('eve')
    const forged = vouch(new SigningKey('0', randomBytes(32)), eve.userId)
    await bind(two, eve, forged)
    await bind(two, eve, vouch(key, bob.userId))
    await bind(two, eve, { ...vouch(key, bob.userId), mxid: eve.userId })
    await bind(two, eve, { ...vouch(key, eve.userId), token: 'other' })
    expect(await membershipOf(alice, roomId, eve.userId)).toBeUndefined()
    expect(await membershipOf(alice, roomId, bob.userId)).toBeUndefined()
    expect((await eve.sync()).rooms?.invite).toBeUndefined()
  })

  it('is exchanged for users of the server that asks, and for no others', async () => {
    const { world, one, alice, bob, key, roomId } = await invited()
    const other = await FakeServer.start(world, 'other.test')
    const exchange = (room: string, signed: JsonObject, fields: JsonObject = {}) =>
      other.ask(one, 'PUT', `/_matrix/federation/v1/exchange_third_party_invite/${encodeURIComponent(room)}`, {
        content: {
          type: 'm.room.member',
          room_id: room,
          sender: alice.userId,
          state_key: bob.userId,
          content: { membership: 'invite', third_party_invite: { display_name: 'bob', signed } },
          ...fields,
        },
      })
    const dave = { state_key: '@dave:other.test' }
    expect((await exchange(roomId, vouch(key, bob.userId))).status).toBe(403)
    expect((await exchange(roomId, vouch(key, bob.userId), dave)).status).toBe(403)
    expect((await exchange('!unknown:one.test', vouch(key, '@dave:other.test'), dave)).status).toBe(403)
    expect((await exchange(roomId, {}, { ...dave, content: 'x' })).status).toBe(400)
    expect(await membershipOf(alice, roomId, '@dave:other.test')).toBeUndefined()
  })
})
