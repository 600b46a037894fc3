import { expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { until } from '../support/federated.ts'
import { startServer } from '../support/server.ts'
import { SlidingClient } from '../support/sliding.ts'

const withVisibility = (history_visibility: string) => ({
  preset: 'public_chat',
  initial_state: [{ type: 'm.room.history_visibility', state_key: '', content: { history_visibility } }],
})

/** The messages that a user is shown, from whichever endpoint. */
async function seen(user: User, roomId: string): Promise<string[]> {
  const { chunk } = await user.get(`${roomPath(roomId)}/messages?dir=f&limit=100`)
  return chunk.filter((event: { type: string }) => event.type === 'm.room.message').map(bodyOf)
}
const bodyOf = (event: { content: { body: string } }) => event.content.body

/** Alice speaks before bob is invited, before he joins, while he is there, while he is away, and when he is back. */
async function comeAndGo(visibility: string) {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(withVisibility(visibility))
  const ids: Record<string, string> = {}
  const say = async (body: string) => (ids[body] = await alice.send(roomId, body))
  await say('before')
  await alice.invite(roomId, bob.userId)
  await say('invited')
  await bob.join(roomId)
  await say('joined')
  await bob.leave(roomId)
  await say('away')
  const whileAway = await seen(bob, roomId)
  await bob.join(roomId)
  await say('back')
  return { bob, roomId, ids, whileAway, whenBack: await seen(bob, roomId) }
}

const CASES = {
  world_readable: {
    whileAway: ['before', 'invited', 'joined', 'away'],
    whenBack: ['before', 'invited', 'joined', 'away', 'back'],
  },
  shared: { whileAway: ['before', 'invited', 'joined'], whenBack: ['before', 'invited', 'joined', 'away', 'back'] },
  invited: { whileAway: ['invited', 'joined'], whenBack: ['invited', 'joined', 'back'] },
  joined: { whileAway: ['joined'], whenBack: ['joined', 'back'] },
  nonsense: { whileAway: ['before', 'invited', 'joined'], whenBack: ['before', 'invited', 'joined', 'away', 'back'] },
}

for (const [visibility, expected] of Object.entries(CASES)) {
  it(`shows a member who comes and goes what ${visibility} history lets them see`, async () => {
    const { bob, roomId, ids, whileAway, whenBack } = await comeAndGo(visibility)
    expect(whileAway).toEqual(expected.whileAway)
    expect(whenBack).toEqual(expected.whenBack)
    for (const [body, id] of Object.entries(ids)) {
      const { status } = await bob.request('GET', `${roomPath(roomId)}/event/${id}`)
      expect([body, status]).toEqual([body, expected.whenBack.includes(body) ? 200 : 404])
    }
  })
}

it('goes by the setting at the time of each event, and shows changes of it from either side', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(withVisibility('shared'))
  const set = (history_visibility: string) =>
    alice.sendState(roomId, 'm.room.history_visibility', { history_visibility })
  await alice.send(roomId, 'open')
  const closing = await set('joined')
  await alice.send(roomId, 'closed')
  const reclosing = await set('invited')
  const opening = await set('shared')
  await alice.send(roomId, 'open again')
  await bob.join(roomId)
  expect(await seen(bob, roomId)).toEqual(['open', 'open again'])
  const status = async (id: string) => (await bob.request('GET', `${roomPath(roomId)}/event/${id}`)).status
  expect([await status(closing), await status(reclosing), await status(opening)]).toEqual([200, 404, 200])
})

it('lets anybody, guests too, look into a room that is world-readable, and only as long as it is', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(withVisibility('world_readable'))
  await alice.send(roomId, 'hello')
  expect(await seen(bob, roomId)).toEqual(['hello'])
  expect((await bob.get(`${roomPath(roomId)}/state/m.room.history_visibility`)).history_visibility).toBe(
    'world_readable',
  )
  await alice.sendState(roomId, 'm.room.history_visibility', { history_visibility: 'shared' })
  expect((await bob.request('GET', `${roomPath(roomId)}/messages?dir=b`)).body.errcode).toBe('M_FORBIDDEN')
})

it('says which membership the viewer had at each event', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await alice.send(roomId, 'before')
  await alice.invite(roomId, bob.userId)
  await alice.send(roomId, 'invited')
  await bob.join(roomId)
  await alice.send(roomId, 'joined')
  const { chunk } = await bob.get(`${roomPath(roomId)}/messages?dir=b&limit=5`)
  const memberships = chunk.map((event: { unsigned: { membership: string } }) => event.unsigned.membership)
  expect(memberships).toEqual(['join', 'join', 'invite', 'invite', 'leave'])
})

it('hides the state of a time that is hidden, also where the invite of then is shown', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(withVisibility('joined'))
  await alice.sendState(roomId, 'm.room.topic', { topic: 'secret' })
  await alice.invite(roomId, bob.userId)
  const member = `${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}?format=event`
  const invite = (await alice.get(member)).event_id
  await alice.sendState(roomId, 'm.room.topic', { topic: 'harmless' })
  await bob.join(roomId)
  const topicsAt = async (eventId: string) => {
    const { state } = await bob.get(`${roomPath(roomId)}/context/${eventId}?limit=0`)
    const topics = state.filter(({ type }: { type: string }) => type === 'm.room.topic')
    return topics.map(({ content }: { content: { topic: string } }) => content.topic)
  }
  expect(await topicsAt(invite)).toEqual([])
  expect(await topicsAt((await bob.get(member)).event_id)).toEqual(['harmless'])
})

it('takes a receipt for an event that is hidden no more than for none', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom(withVisibility('joined'))
  const hidden = await alice.send(roomId, 'hidden')
  await bob.join(roomId)
  const seen = await alice.send(roomId, 'seen')
  const read = async (eventId: string) => {
    const path = `${roomPath(roomId)}/receipt/m.read/${eventId}`
    const { status, body } = await bob.request('POST', path, {})
    return { status, body }
  }
  expect(await read(hidden)).toEqual(await read('$nothing'))
  expect([(await read(hidden)).status, (await read(seen)).status]).toEqual([404, 200])
})

it('does not tell of the members of a time that is hidden', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom(withVisibility('joined'))
  await carol.join(roomId)
  const { start } = await alice.get(`${roomPath(roomId)}/messages?dir=b&limit=1`)
  await carol.leave(roomId)
  const joinedAt = async (user: User) => {
    const { chunk } = await user.get(`${roomPath(roomId)}/members?at=${start}&membership=join`)
    return chunk.map((event: { state_key: string }) => event.state_key)
  }
  expect(await joinedAt(alice)).toEqual([alice.userId, carol.userId])
  await bob.join(roomId)
  expect(await joinedAt(bob)).toEqual([alice.userId, bob.userId])
  await bob.leave(roomId)
  await alice.sendState(roomId, 'm.room.history_visibility', { history_visibility: 'world_readable' })
  expect(await joinedAt(bob)).toEqual([alice.userId])
  const dora = await client.register('dora')
  expect(await joinedAt(dora)).toEqual([alice.userId])
})

async function erase(user: User, name: string): Promise<void> {
  const { session } = (await user.request('POST', '/v3/account/deactivate', { erase: true })).body
  const identifier = { type: 'm.id.user', user: name }
  const auth = { type: 'm.login.password', identifier, password: 'correct horse battery staple', session }
  await user.post('/v3/account/deactivate', { erase: true, auth })
}

it('keeps events of a user who was erased from those who came later', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  await bob.send(roomId, 'personal')
  await erase(bob, 'bob')
  await carol.join(roomId)
  expect(await seen(alice, roomId)).toEqual(['personal'])
  expect(await seen(carol, roomId)).toEqual([undefined])
})

it('keeps the name of a user who was erased from those who came later, also where it is told along with events', async () => {
  const { client } = await startServer()
  const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.put(`/v3/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'secret' })
  await bob.join(roomId)
  const sent = await bob.send(roomId, 'personal')
  const other = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(other)
  await bob.sendState(other, 'm.room.member', { membership: 'leave', displayname: 'secret' }, bob.userId)
  await erase(bob, 'bob')
  await carol.join(roomId)
  await carol.join(other)
  await alice.leave(other)
  const lazily = encodeURIComponent(JSON.stringify({ lazy_load_members: true }))
  const member = `${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(bob.userId)}?format=event`
  const left = await until(
    () => carol.get(member),
    ({ content }) => content.membership === 'leave',
  )
  const answers = [
    left,
    await carol.get(`${roomPath(roomId)}/messages?dir=b&limit=50&filter=${lazily}`),
    await carol.get(`${roomPath(roomId)}/messages?dir=f&limit=8&filter=${lazily}`),
    await carol.get(`${roomPath(roomId)}/context/${sent}?limit=0`),
    await carol.sync(),
    await new SlidingClient(carol, { lists: { all: { timeline_limit: 10, required_state: [['*', '*']] } } }).sync(),
  ]
  for (const answer of answers) expect(JSON.stringify(answer)).not.toContain('secret')
  expect(JSON.stringify(await alice.get(`${roomPath(roomId)}/context/${sent}?limit=0`))).toContain('secret')
})
