// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { User } from '../support/client.ts'
import { openServer, type TestServer } from '../support/server.ts'
import { SlidingClient } from '../support/sliding.ts'

let server: TestServer
let count = 0
beforeAll(async () => {
  server = await openServer()
})
afterAll(() => server.close())

const register = (name: string) => server.client.register(`${name}${++count}`)
const fieldPath = (user: User, field: string) => `/v3/profile/${encodeURIComponent(user.userId)}/${field}`
const set = (user: User, field: string, value: unknown) => user.put(fieldPath(user, field), { [field]: value })

/** Two who share a room, and one who does not. */
async function three() {
  const [alice, bob, stranger] = [await register('alice'), await register('bob'), await register('stranger')]
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(roomId)
  return { alice, bob, stranger, roomId }
}

/** Asks /sync for changes of a status again and again. */
function watcher(user: User, name: 'profile_fields' | 'org.matrix.msc4429.profile_fields' = 'profile_fields') {
  const filter = encodeURIComponent(JSON.stringify({ [name]: { ids: ['m.status', 'm.tz'] } }))
  let since = ''
  return async (timeout = 0): Promise<any> => {
    const answer = await user.get(`/v3/sync?filter=${filter}&timeout=${timeout}${since && `&since=${since}`}`)
    since = answer.next_batch
    return answer[name === 'profile_fields' ? 'users' : 'org.matrix.msc4429.users']
  }
}

it('tells in /sync of the fields that the filter names, whole at first and then as they change', async () => {
  const { alice, bob, stranger } = await three()
  await set(alice, 'm.status', { text: '출장' })
  await set(alice, 'm.tz', 'Asia/Seoul')
  await set(alice, 'org.example.other', 1)
  await set(stranger, 'm.status', { text: '?' })
  const watch = watcher(bob)
  const whole = { 'm.status': { text: '출장' }, 'm.tz': 'Asia/Seoul' }
  expect(await watch()).toEqual({ [alice.userId]: { profile_updates: whole } })
  expect(await watch()).toBeUndefined()

  const waiting = watch(30_000)
  await set(alice, 'm.status', { text: '휴가' })
  expect(await waiting).toEqual({ [alice.userId]: { profile_updates: { 'm.status': { text: '휴가' } } } })
  await alice.delete(fieldPath(alice, 'm.status'))
  await set(alice, 'org.example.other', 2)
  await set(stranger, 'm.status', { text: '!' })
  await set(bob, 'm.tz', 'UTC')
  expect(await watch()).toEqual({
    [alice.userId]: { profile_updates: { 'm.status': null } },
    [bob.userId]: { profile_updates: { 'm.tz': 'UTC' } },
  })
})

it('tells of the profiles of those with whom one newly shares a room', async () => {
  const { alice, bob, stranger, roomId } = await three()
  await set(stranger, 'm.status', { text: '새로' })
  const watch = watcher(bob, 'org.matrix.msc4429.profile_fields')
  expect(await watch()).toBeUndefined()
  await stranger.join(roomId)
  const news = { profile_updates: { 'm.status': { text: '새로' } } }
  expect(await watch()).toEqual({ [stranger.userId]: news })
  await bob.leave(roomId)
  await watch()
  await set(stranger, 'm.tz', 'UTC')
  expect(await watch()).toBeUndefined()

  const other = await alice.createRoom({ preset: 'public_chat' })
  await stranger.join(other)
  await bob.join(other)
  expect((await watch())[stranger.userId].profile_updates).toEqual({ 'm.status': { text: '새로' }, 'm.tz': 'UTC' })
})

it.each(['profiles', 'org.matrix.msc4262.profiles'])('tells in sliding sync of the same (%s)', async (name) => {
  const { alice, bob, stranger } = await three()
  await set(alice, 'm.status', { text: '출장' })
  const lists = { all: { timeline_limit: 1, required_state: [], ranges: [[0, 9]] } }
  const extensions = { [name]: { enabled: true, fields: ['m.status', 'm.tz'] } }
  const sliding = new SlidingClient(bob, { lists, extensions })
  const news = async (timeout = 0) => (await sliding.sync({}, timeout)).extensions[name]
  expect(await news()).toEqual({ users: { [alice.userId]: { updated: { 'm.status': { text: '출장' } } } } })
  expect(await news()).toBeUndefined()
  const waiting = news(30_000)
  await set(alice, 'm.tz', 'UTC')
  expect(await waiting).toEqual({ users: { [alice.userId]: { updated: { 'm.tz': 'UTC' } } } })
  await alice.delete(fieldPath(alice, 'm.status'))
  await set(stranger, 'm.tz', 'UTC')
  expect(await news()).toEqual({ users: { [alice.userId]: { removed: ['m.status'] } } })
})

it('remembers of fields that were taken away no more than a hundred', async () => {
  const { alice, bob } = await three()
  const watch = watcher(bob)
  await set(alice, 'm.tz', 'UTC')
  await watch()
  await alice.delete(fieldPath(alice, 'm.tz'))
  const { profiles, accounts } = server.server.services
  const owner = await accounts.get(alice.userId)
  for (let i = 0; i <= 100; i++) {
    await profiles.setField(owner, `field.${i}`, i)
    await profiles.deleteField(owner, `field.${i}`)
  }
  expect(await watch()).toBeUndefined()
})
