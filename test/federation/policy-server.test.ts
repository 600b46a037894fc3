import { expect, it } from 'vitest'
import { addSignature } from '../../src/matrix/sign-json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import type { Pdu } from '../../src/room/event.ts'
import { essentialText } from '../../src/room/hashes.ts'
import { roomPath, type User } from '../support/client.ts'
import type { Given } from '../support/fake-server.ts'
import { joinVia, seen, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { type Federated, World } from '../support/servers.ts'

const KEY = new SigningKey('policy_server', new Uint8Array(32).fill(7))
const SIGN = 'POST /_matrix/policy/v1/sign'

interface Room {
  readonly one: Federated
  readonly alice: User
  readonly peer: Peer
  readonly roomId: string
  /** The events that the policy server was asked about. */
  readonly asked: () => Pdu[]
}

/** alice of one.test in a room of peer.test, which is also its policy server. */
async function policed(via = 'peer.test'): Promise<Room> {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { room, fake, creator } = peer
  room.state('m.room.policy', creator, { via, public_keys: { ed25519: KEY.publicKey } })
  await joinVia(alice, room.roomId, 'peer.test')
  fake.answers.set(SIGN, ({ body }) => ({
    body: { 'peer.test': { [KEY.keyId]: signatureOf(peer, JSON.parse(body)) } },
  }))
  const asked = () => fake.got.filter(({ uri }) => uri.endsWith('/sign')).map(({ body }) => JSON.parse(body) as Pdu)
  return { one, alice, peer, roomId: room.roomId, asked }
}

const signatureOf = ({ room }: Peer, pdu: Pdu): string => KEY.sign(essentialText(pdu, room.version))
const sent = (peer: Peer): Pdu[] =>
  peer.fake.got
    .filter(({ uri }) => uri.includes('/federation/v1/send/'))
    .flatMap(({ body }) => JSON.parse(body).pdus as Pdu[])

const say = (user: User, roomId: string, body: string, txnId = body) =>
  user.request('PUT', `${roomPath(roomId)}/send/m.room.message/${txnId}`, { msgtype: 'm.text', body })

it('signs what our users send, before anybody sees it', async () => {
  const { alice, peer, roomId, asked } = await policed()
  expect((await say(alice, roomId, 'hello')).status).toBe(200)
  expect(asked().map(({ type }) => type)).toEqual(['m.room.message'])
  const [message] = await until(
    async () => sent(peer),
    (pdus) => pdus.length > 0,
  )
  expect(message?.signatures?.['peer.test']).toEqual({ [KEY.keyId]: signatureOf(peer, message as Pdu) })
  expect(Object.keys(message?.signatures?.['one.test'] ?? {})).toHaveLength(1)
  await seen(alice, roomId, 'hello')
})

it('is asked once for what a client sends twice, and the client knows its message again', async () => {
  const { alice, roomId, asked } = await policed()
  const [first, second] = await Promise.all([say(alice, roomId, 'hello', 't'), say(alice, roomId, 'hello', 't')])
  const third = await say(alice, roomId, 'hello', 't')
  expect(new Set([first, second, third].map(({ body }) => body.event_id)).size).toBe(1)
  expect(asked()).toHaveLength(1)
  const { chunk } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1`)
  expect(chunk[0].unsigned.transaction_id).toBe('t')
})

it('is asked about state, and about members who go, but not about itself', async () => {
  const { alice, roomId, asked } = await policed()
  await alice.request('PUT', `${roomPath(roomId)}/state/m.room.policy/`, {})
  await alice.post(`${roomPath(roomId)}/leave`)
  expect(asked().map(({ type }) => type)).toEqual(['m.room.member'])
})

it.each<[string, Given, number, object]>([
  [
    'its own words',
    { status: 400, body: { errcode: 'M_FORBIDDEN', error: 'Spam!' } },
    400,
    { errcode: 'M_FORBIDDEN', error: 'Spam!' },
  ],
  [
    'that it is busy',
    { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', error: 'Slow', retry_after_ms: 5 } },
    429,
    { retry_after_ms: 5 },
  ],
  [
    'no word that would log the client out',
    { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'x' } },
    502,
    { errcode: 'M_UNKNOWN' },
  ],
  ['that it is broken', { status: 500, body: {} }, 502, { errcode: 'M_UNKNOWN' }],
  ['that it signs nothing', { body: {} }, 403, { errcode: 'M_FORBIDDEN' }],
  [
    'that it signs wrongly',
    { body: { 'peer.test': { [KEY.keyId]: 'A'.repeat(86) } } },
    403,
    { errcode: 'M_FORBIDDEN' },
  ],
])('has nothing sent of which it says %s', async (_what, given, status, body) => {
  const { alice, peer, roomId } = await policed()
  peer.fake.answers.set(SIGN, () => given)
  const answer = await say(alice, roomId, 'bad')
  expect([answer.status, answer.body]).toEqual([status, expect.objectContaining(body)])
  expect(await textsOf(alice, roomId)).not.toContain('bad')
  peer.fake.answers.delete(SIGN)
  expect(sent(peer).filter(({ type }) => type === 'm.room.message')).toEqual([])
})

it('is none without a member in the room', async () => {
  const { alice, roomId, asked } = await policed('other.test')
  expect((await say(alice, roomId, 'hello')).status).toBe(200)
  expect(asked()).toEqual([])
})

it('decides what is shown of what others send', async () => {
  const { one, alice, peer, roomId, asked } = await policed()
  const message = (body: string) => peer.room.message(peer.creator, { content: { msgtype: 'm.text', body } })
  const withSignature = ({ pdu, ...event }: ReturnType<typeof message>, key: SigningKey) => ({
    ...event,
    pdu: {
      ...pdu,
      signatures: addSignature(pdu.signatures, 'peer.test', KEY.keyId, key.sign(essentialText(pdu, peer.room.version))),
    },
  })
  const signed = withSignature(message('signed'), KEY)
  await peer.send(one, peer.pdus([signed]))
  expect(asked()).toEqual([])
  await peer.send(
    one,
    peer.pdus([withSignature(message('signed with another key'), new SigningKey('x', new Uint8Array(32)))]),
  )
  await peer.send(one, peer.pdus([message('signed when asked')]))
  expect(asked()).toHaveLength(2)
  peer.fake.answers.set(SIGN, () => ({ status: 400, body: { errcode: 'M_FORBIDDEN' } }))
  const refused = message('not recommended')
  const { body } = await peer.send(one, peer.pdus([refused]))
  expect(body.pdus).toEqual({ [refused.eventId]: {} })
  expect((await textsOf(alice, roomId)).slice(0, 3)).toEqual(['signed when asked', 'signed with another key', 'signed'])
})

it('decides about what comes after a gap, and what fills it, too', async () => {
  const { one, alice, peer, roomId, asked } = await policed()
  peer.fake.answers.set(SIGN, () => ({ status: 400, body: { errcode: 'M_FORBIDDEN' } }))
  const message = (body: string) => peer.room.message(peer.creator, { content: { msgtype: 'm.text', body } })
  const [between, after] = [message('in a gap'), message('after a gap')]
  await peer.send(one, peer.pdus([after]))
  await until(
    async () => asked(),
    (pdus) => [between, after].every(({ pdu }) => pdus.some(({ content }) => content.body === pdu.content.body)),
  )
  peer.fake.answers.delete(SIGN)
  const signed = peer.room.message(peer.creator, { content: { msgtype: 'm.text', body: 'signed' } })
  const text = essentialText(signed.pdu, peer.room.version)
  const signatures = addSignature(signed.pdu.signatures, 'peer.test', KEY.keyId, KEY.sign(text))
  await peer.send(one, [{ ...signed.pdu, signatures }])
  await seen(alice, roomId, 'signed')
  expect((await textsOf(alice, roomId)).filter((shown) => shown.includes('gap'))).toEqual([])
  expect(asked()).toHaveLength(2)
})
