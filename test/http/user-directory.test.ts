import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

const search = async (user: User, search_term: string) =>
  (await user.post('/v3/user_directory/search', { search_term })).results
const setName = (user: User, displayname: string) =>
  user.put(`/v3/profile/${encodeURIComponent(user.userId)}/displayname`, { displayname })

const AMONG_ACQUAINTANCES = { profiles: { search: 'acquaintances' } } as const

describe('the user directory', () => {
  it('finds people in public rooms by their public name, never by the name that they have in a room', async () => {
    const { client } = await startServer({ config: AMONG_ACQUAINTANCES })
    const [alice, bob, eve] = await client.registerAll('u-alice', 'u-bob', 'u-eve')
    await setName(alice, 'Alice Cooper')
    expect(await search(eve, 'Alice Cooper')).toEqual([])
    await alice.createRoom({ visibility: 'public' })
    const roomId = await bob.createRoom({ visibility: 'private', invite: [alice.userId] })
    await alice.join(roomId)
    await alice.put(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(alice.userId)}`, {
      membership: 'join',
      displayname: 'Freddy',
    })
    const justAlice = [{ user_id: alice.userId, display_name: 'Alice Cooper' }]
    for (const user of [eve, bob]) {
      expect(await search(user, 'Alice Cooper')).toEqual(justAlice)
      expect(await search(user, '@u')).toEqual(justAlice)
      expect(await search(user, 'Freddy')).toEqual([])
    }
  })

  it('no longer shows who has left, and follows the rules of rooms', async () => {
    const { client } = await startServer({ config: AMONG_ACQUAINTANCES })
    const [alice, eve] = await client.registerAll('alice', 'eve')
    await setName(alice, '홍길동')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const joinRules = (join_rule: string) => alice.sendState(roomId, 'm.room.join_rules', { join_rule })
    expect(await search(eve, 'ㅎㄱㄷ')).toHaveLength(1)
    await joinRules('invite')
    expect(await search(eve, 'ㅎㄱㄷ')).toEqual([])
    await alice.sendState(roomId, 'm.room.history_visibility', { history_visibility: 'world_readable' })
    expect(await search(eve, '길동')).toHaveLength(1)
    await alice.leave(roomId)
    expect(await search(eve, '길동')).toEqual([])
  })

  it('finds colleagues with whom one shares no room yet, unless the configuration says otherwise', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    await setName(await client.register('lee.junho'), '이준호')
    expect(await search(alice, 'ㅇㅈㅎ')).toEqual([{ user_id: '@lee.junho:example.org', display_name: '이준호' }])
  })

  it('answers in the form of the specification', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    await client.register('bob')
    await client.register('bobby')
    const answer = await alice.post('/v3/user_directory/search', { search_term: 'BOB', limit: 1 })
    expect(answer).toEqual({ limited: true, results: [{ user_id: '@bob:example.org', display_name: 'bob' }] })
    const { status, body } = await alice.request('POST', '/v3/user_directory/search', {})
    expect([status, body.errcode]).toEqual([400, 'M_MISSING_PARAM'])
  })
})
