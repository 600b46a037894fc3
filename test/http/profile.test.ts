import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { openServer, startServer, type TestServer } from '../support/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await openServer({ config: { profiles: { lookup: 'public' } } })
})
afterAll(() => server.close())

const path = (user: User, field?: string) =>
  `/v3/profile/${encodeURIComponent(user.userId)}${field === undefined ? '' : `/${encodeURIComponent(field)}`}`
const set = (user: User, field: string, value: unknown) => user.request('PUT', path(user, field), { [field]: value })
const memberEvent = (user: User, roomId: string, who = user) =>
  user.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(who.userId)}`)

describe('profiles', () => {
  it('begin with the user name', async () => {
    const alice = await server.client.register('p-alice')
    expect(await server.client.get(path(alice))).toEqual({ displayname: 'p-alice' })
  })

  it('hold names, pictures and fields of any kind, and say so by either path', async () => {
    const bob = await server.client.register('p-bob')
    await bob.put(path(bob, 'displayname'), { displayname: '홍길동'.normalize('NFD') })
    await bob.put(path(bob, 'avatar_url'), { avatar_url: 'mxc://example.org/abc' })
    await bob.put(path(bob, 'm.tz'), { 'm.tz': 'Asia/Seoul' })
    const unstable = `/unstable/uk.tcpip.msc4133/profile/${bob.userId}`
    await bob.put(`${unstable}/org.example.job`, { 'org.example.job': { title: '주무관', since: null } })
    const all = {
      displayname: '홍길동',
      avatar_url: 'mxc://example.org/abc',
      'm.tz': 'Asia/Seoul',
      'org.example.job': { title: '주무관', since: null },
    }
    expect(await server.client.get(path(bob))).toEqual(all)
    expect(await server.client.get(unstable)).toEqual(all)
    expect(await server.client.get(path(bob, 'displayname'))).toEqual({ displayname: '홍길동' })
    await bob.delete(path(bob, 'org.example.job'))
    await bob.delete(path(bob, 'org.example.job'))
    const gone = await server.client.request('GET', path(bob, 'org.example.job'))
    expect(gone).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
  })

  it('are known by the name of their owner only', async () => {
    const carol = await server.client.register('p-carol')
    const dave = await server.client.register('p-dave')
    const other = await dave.request('PUT', path(carol, 'displayname'), { displayname: 'x' })
    expect(other).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    expect((await dave.request('DELETE', path(carol, 'displayname'))).status).toBe(403)
    const { status, body } = await dave.request('GET', '/v3/profile/@nobody:example.org')
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it('have limits', async () => {
    const eve = await server.client.register('p-eve')
    const refused = async (field: string, value: unknown) => (await set(eve, field, value)).body.errcode
    expect(await refused(`org.${'x'.repeat(252)}`, 1)).toBe('M_KEY_TOO_LARGE')
    expect(await refused('Not A Name', 1)).toBe('M_INVALID_PARAM')
    expect(await refused('displayname', 5)).toBe('M_BAD_JSON')
    expect(await refused('m.tz', 5)).toBe('M_BAD_JSON')
    expect(await refused('displayname', 'x'.repeat(257))).toBe('M_INVALID_PARAM')
    const missing = await eve.request('PUT', path(eve, 'displayname'), {})
    expect(missing).toMatchObject({ status: 400, body: { errcode: 'M_MISSING_PARAM' } })
    const half = 'x'.repeat(40_000)
    expect((await set(eve, 'org.example.a', half)).status).toBe(200)
    expect(await refused('org.example.b', half)).toBe('M_PROFILE_TOO_LARGE')
    expect((await set(eve, 'org.example.a', half)).status).toBe(200)
  })

  it('end with the account', async () => {
    const finn = await server.client.register('p-finn')
    await server.server.services.accounts.deactivate(
      (await server.server.services.accounts.get('p-finn')).userNid,
      true,
    )
    expect((await server.client.request('GET', path(finn))).status).toBe(404)
  })

  it('cannot be changed while the account is suspended', async () => {
    const gina = await server.client.register('p-gina')
    const { accounts } = server.server.services
    await accounts.setSuspended((await accounts.get('p-gina')).userNid, true)
    expect(await set(gina, 'displayname', 'x')).toMatchObject({ status: 403, body: { errcode: 'M_USER_SUSPENDED' } })
    expect((await gina.request('GET', '/v3/account/whoami')).status).toBe(200)
  })
})

describe('a change of name or picture', () => {
  it('reaches the member events of all rooms, and new rooms at once', async () => {
    const alice = await server.client.register('c-alice')
    const rooms: string[] = []
    for (let i = 0; i < 20; i++) rooms.push(await alice.createRoom())
    await set(alice, 'displayname', 'first')
    await set(alice, 'displayname', 'Alice')
    await set(alice, 'avatar_url', 'mxc://example.org/alice')
    await server.server.services.profilePropagation.idle()
    rooms.push(await alice.createRoom())
    const shown = { membership: 'join', displayname: 'Alice', avatar_url: 'mxc://example.org/alice' }
    for (const roomId of rooms) expect(await memberEvent(alice, roomId)).toEqual(shown)
    await set(alice, 'avatar_url', '')
    await server.server.services.profilePropagation.idle()
    expect(await memberEvent(alice, rooms[0] ?? '')).toEqual({ membership: 'join', displayname: 'Alice' })
  })

  it('does not bring back who has left', async () => {
    const alice = await server.client.register('c-leaver')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const bob = await server.client.register('c-stayer')
    await bob.join(roomId)
    await Promise.all([set(alice, 'displayname', 'gone'), alice.leave(roomId)])
    await server.server.services.profilePropagation.idle()
    expect((await memberEvent(bob, roomId, alice)).membership).toBe('leave')
  })

  it('goes on after a restart', async () => {
    const first = await startServer()
    const alice = await first.client.register('alice')
    const roomId = await alice.createRoom()
    await set(alice, 'displayname', 'Alice')
    await first.server.close()
    const second = await startServer({ directory: first.directory })
    await second.server.services.profilePropagation.idle()
    const again = await second.client.login('alice')
    expect((await memberEvent(again, roomId)).displayname).toBe('Alice')
  })
})

describe('looking up profiles', () => {
  it('takes an account, unless it is public', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    expect((await client.request('GET', path(alice))).status).toBe(403)
    expect((await alice.request('GET', path(alice))).status).toBe(200)
  })

  it('can be kept to those who know each other', async () => {
    const { client } = await startServer({ config: { profiles: { lookup: 'acquaintances' } } })
    const alice = await client.register('alice')
    const bob = await client.register('bob')
    const look = async () => (await bob.request('GET', path(alice))).status
    expect(await look()).toBe(403)
    expect((await bob.request('GET', '/v3/profile/@nobody:example.org')).status).toBe(403)
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    expect(await look()).toBe(403)
    await bob.join(roomId)
    expect(await look()).toBe(200)
    expect((await alice.request('GET', path(alice))).status).toBe(200)
  })
})
