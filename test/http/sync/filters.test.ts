import { describe, expect, it } from 'vitest'
import { startServer } from '../../support/server.ts'
import { filter, stateOf, timelineOf } from '../../support/sync.ts'

async function room() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: 'Office' })
  await bob.join(roomId)
  return { client, alice, bob, roomId }
}

const own = (user: { userId: string }) => `/v3/user/${encodeURIComponent(user.userId)}`

describe('A filter', () => {
  it('is stored, given back, and has one id however often it is stored', async () => {
    const { alice, bob } = await room()
    const content = { room: { timeline: { limit: 3, types: ['m.room.message'] } } }
    const { filter_id: id } = await alice.post(`${own(alice)}/filter`, content)
    expect((await alice.post(`${own(alice)}/filter`, content)).filter_id).toBe(id)
    expect(await alice.get(`${own(alice)}/filter/${id}`)).toEqual(content)
    expect(await alice.request('GET', `${own(alice)}/filter/77`)).toMatchObject({ status: 404 })
    expect(await bob.request('GET', `${own(alice)}/filter/${id}`)).toMatchObject({ status: 403 })
  })

  it.each([
    { room: 'x' },
    { room: { timeline: { types: [1] } } },
    { room: { timeline: { rooms: ['no'] } } },
    { presence: { senders: ['no'] } },
    { event_format: 'xml' },
    { profile_fields: { ids: ['\u0000'] } },
  ])('is refused when it is malformed: %j', async (content) => {
    const { alice } = await room()
    const stored = await alice.request('POST', `${own(alice)}/filter`, content)
    expect(stored.status).toBe(400)
    const inline = await alice.request('GET', `/v3/sync?filter=${encodeURIComponent(JSON.stringify(content))}`)
    expect(inline).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
  })

  it('chooses by type, sender, room and url, and what is excluded wins', async () => {
    const { alice, bob, roomId } = await room()
    await bob.send(roomId, 'from bob')
    await alice.send(roomId, 'from alice')
    await alice.send(roomId, { body: 'picture', msgtype: 'm.image', url: 'mxc://example.org/a' })
    const timeline = async (part: object) => {
      const params = { ...filter({ room: { timeline: part } }), since: '' }
      return timelineOf((await alice.sync(params)).rooms.join[roomId])
    }
    const messages = { types: ['m.room.mess*'] }
    expect(await timeline(messages)).toEqual(['from bob', 'from alice', 'picture'])
    expect(await timeline({ ...messages, senders: [bob.userId] })).toEqual(['from bob'])
    expect(await timeline({ ...messages, not_senders: [bob.userId] })).toEqual(['from alice', 'picture'])
    expect(await timeline({ ...messages, contains_url: true })).toEqual(['picture'])
    expect(await timeline({ ...messages, not_types: ['*'] })).toEqual([])
    expect(await timeline({ not_rooms: [roomId] })).toEqual([])
    const none = await alice.sync({ ...filter({ room: { not_rooms: [roomId] } }), since: '' })
    expect(none.rooms).toBeUndefined()
  })

  it('keeps only the fields that are asked for', async () => {
    const { alice, bob, roomId } = await room()
    const { next_batch: since } = await alice.sync()
    await bob.send(roomId, { body: 'hi', msgtype: 'm.text', a: { b: 1, c: { d: 2 }, e: { f: 3, g: 4 } } })
    const event_fields = [
      'type',
      'content.body',
      'content.a.c',
      'content.a.c.d',
      'content.a.e.f',
      'content.body.x',
      'content.a.b.x',
    ]
    const query = new URLSearchParams({ since, ...filter({ event_fields }) })
    // The client of the tests would miss the fields that were not asked for.
    const answer = await fetch(`${alice.url}/_matrix/client/v3/sync?${query}`, {
      headers: { authorization: `Bearer ${alice.accessToken}` },
    }).then((response) => response.json())
    expect(answer).toHaveProperty(
      ['rooms', 'join', roomId, 'timeline', 'events'],
      [{ type: 'm.room.message', content: { body: 'hi', a: { c: { d: 2 }, e: { f: 3 } } } }],
    )
  })

  it('that lets nothing through lets a long poll sleep on', async () => {
    const { alice, bob, roomId } = await room()
    await alice.sync()
    const started = performance.now()
    const waiting = alice.sync({ ...filter({ room: { rooms: [] }, presence: { types: [] } }), timeout: '300' })
    await bob.send(roomId, 'not for you')
    expect((await waiting).rooms).toBeUndefined()
    expect(performance.now() - started).toBeGreaterThan(290)
  })
})

describe('Lazy loading', () => {
  const lazy = (more: object = {}, timeline: object = { limit: 1 }) =>
    filter({ room: { timeline, state: { lazy_load_members: true, types: ['m.room.member'], ...more } } })

  it('brings the members whom the timeline needs, oneself in a first sync, and nobody twice', async () => {
    const { client, alice, bob, roomId } = await room()
    const carol = await client.register('carol')
    await carol.join(roomId)
    await bob.send(roomId, 'one')
    const member = (user: { userId: string }) => `m.room.member/${user.userId}`
    const state = async (params: Record<string, string>) => stateOf((await alice.sync(params)).rooms.join[roomId].state)
    expect(await state(lazy())).toEqual([member(alice), member(bob)])
    await bob.send(roomId, 'two')
    expect(await state(lazy())).toEqual([])
    await carol.send(roomId, 'three')
    expect(await state(lazy())).toEqual([member(carol)])
    await bob.send(roomId, 'four')
    expect(await state(lazy({ include_redundant_members: true }))).toEqual([member(bob)])
  })

  it('repeats the members of an answer that got lost', async () => {
    const { alice, bob, roomId } = await room()
    const { next_batch: since } = await alice.sync(lazy({}, { limit: 0 }))
    await bob.send(roomId, 'one')
    const lost = await alice.sync({ ...lazy(), since })
    const repeated = await alice.sync({ ...lazy(), since })
    expect(stateOf(repeated.rooms.join[roomId].state)).toEqual(stateOf(lost.rooms.join[roomId].state))
    expect(stateOf(repeated.rooms.join[roomId].state)).toEqual([`m.room.member/${bob.userId}`])
  })

  it('brings members as they are whose changes the history hides, not as they were before the timeline', async () => {
    const { client } = await startServer()
    const [alice, bob, carol] = await client.registerAll('alice', 'bob', 'carol')
    const hidden = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
    const roomId = await alice.createRoom({ preset: 'public_chat', initial_state: [hidden] })
    await carol.join(roomId)
    const rename = (displayname: string) =>
      carol.sendState(roomId, 'm.room.member', { membership: 'join', displayname }, carol.userId)
    await rename('Old')
    await alice.invite(roomId, bob.userId)
    await rename('New')
    await bob.join(roomId)
    await carol.send(roomId, 'hello')
    const { state, timeline } = (await bob.sync(lazy({}, { limit: 10 }))).rooms.join[roomId]
    const names = [...state.events, ...timeline.events]
      .filter(({ state_key }) => state_key === carol.userId)
      .map(({ content }) => content.displayname)
    expect(names).toEqual(['New'])
  })

  it('leaves out no change of a membership in a gap', async () => {
    const { client, alice, bob, roomId } = await room()
    const carol = await client.register('carol')
    await alice.sync(lazy())
    await carol.join(roomId)
    for (let i = 0; i < 3; i++) await bob.send(roomId, `m${i}`)
    const state = stateOf((await alice.sync(lazy())).rooms.join[roomId].state)
    expect(state).toContain(`m.room.member/${carol.userId}`)
  })
})
