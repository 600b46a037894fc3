import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2'
const VERSION = '/v3/room_keys/version'
const KEYS = '/v3/room_keys/keys'

const newcomer = async () => (await startServer()).client.register('alice')
const create = async (user: User, key = 'key'): Promise<string> =>
  (await user.post(VERSION, { algorithm: ALGORITHM, auth_data: { public_key: key } })).version
const key = (index: number, verified = false, forwarded = 0, data = 'data') => ({
  first_message_index: index,
  forwarded_count: forwarded,
  is_verified: verified,
  session_data: { ciphertext: data },
})

describe('Backups of room keys', () => {
  it('have versions, of which the newest is the current one', async () => {
    const alice = await newcomer()
    expect(await alice.request('GET', VERSION)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
    const first = await create(alice, 'first')
    const second = await create(alice, 'second')
    expect(await alice.get(VERSION)).toEqual({
      version: second,
      algorithm: ALGORITHM,
      auth_data: { public_key: 'second' },
      etag: '0',
      count: 0,
    })
    expect(await alice.get(`${VERSION}/${first}`)).toMatchObject({ auth_data: { public_key: 'first' } })
    expect(await alice.request('GET', `${VERSION}/99`)).toMatchObject({ status: 404 })
  })

  it('keep their algorithm, and take other data for it', async () => {
    const alice = await newcomer()
    const version = await create(alice)
    const put = (body: object, path = version) =>
      alice.request('PUT', `${VERSION}/${path}`, { algorithm: ALGORITHM, auth_data: { public_key: 'new' }, ...body })
    expect(await put({ version })).toMatchObject({ status: 200, body: {} })
    expect((await alice.get(VERSION)).auth_data).toEqual({ public_key: 'new' })
    expect(await put({ algorithm: 'other' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
    expect(await put({ version: '7' })).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
    expect(await put({}, '7')).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
  })

  it('are deleted with their keys, as often as one likes, and their numbers never come again', async () => {
    const alice = await newcomer()
    const first = await create(alice)
    const second = await create(alice)
    await alice.put(`${KEYS}/!room/session?version=${second}`, key(0))
    for (let i = 0; i < 2; i++) expect(await alice.delete(`${VERSION}/${second}`)).toEqual({})
    expect(await alice.request('GET', `${VERSION}/${second}`)).toMatchObject({ status: 404 })
    expect(await alice.request('GET', `${KEYS}?version=${second}`)).toMatchObject({ status: 404 })
    expect((await alice.get(VERSION)).version).toBe(first)
    expect(await alice.request('DELETE', `${VERSION}/99`)).toMatchObject({ status: 404 })
    const third = await create(alice)
    expect([first, second]).not.toContain(third)
    expect(await alice.get(`${KEYS}?version=${third}`)).toEqual({ rooms: {} })
    expect(await alice.delete(`${VERSION}/${second}`)).toEqual({})
  })

  it('are bounded in number', async () => {
    const alice = await newcomer()
    for (let i = 0; i < 100; i++) await create(alice)
    const body = { algorithm: ALGORITHM, auth_data: {} }
    expect(await alice.request('POST', VERSION, body)).toMatchObject({ status: 403 })
    await alice.delete(`${VERSION}/1`)
    expect(await create(alice)).toBe('101')
  })
})

describe('Keys in a backup', () => {
  it('are written and read one by one, by room and all together', async () => {
    const alice = await newcomer()
    const version = await create(alice)
    const path = (suffix = '') => `${KEYS}${suffix}?version=${version}`
    expect(await alice.put(path('/!one/s1'), key(1))).toEqual({ etag: '1', count: 1 })
    expect(await alice.put(path('/!one'), { sessions: { s2: key(2) } })).toEqual({ etag: '2', count: 2 })
    expect(await alice.put(path(), { rooms: { '!two': { sessions: { s3: key(3) } } } })).toEqual({
      etag: '3',
      count: 3,
    })
    expect(await alice.get(path('/!one/s1'))).toEqual(key(1))
    expect(await alice.get(path('/!one'))).toEqual({ sessions: { s1: key(1), s2: key(2) } })
    expect(await alice.get(path())).toEqual({
      rooms: { '!one': { sessions: { s1: key(1), s2: key(2) } }, '!two': { sessions: { s3: key(3) } } },
    })
    expect(await alice.get(VERSION)).toMatchObject({ etag: '3', count: 3 })
    expect(await alice.get(path('/!three'))).toEqual({ sessions: {} })
    expect(await alice.request('GET', path('/!one/s9'))).toMatchObject({ status: 404 })
  })

  it('are deleted the same three ways', async () => {
    const alice = await newcomer()
    const version = await create(alice)
    const path = (suffix = '') => `${KEYS}${suffix}?version=${version}`
    const sessions = { s1: key(1), s2: key(2) }
    await alice.put(path(), { rooms: { '!one': { sessions }, '!two': { sessions }, '!three': { sessions } } })
    expect(await alice.delete(path('/!one/s1'))).toEqual({ etag: '2', count: 5 })
    expect(await alice.delete(path('/!one/s1'))).toEqual({ etag: '2', count: 5 })
    expect(await alice.delete(path('/!two'))).toEqual({ etag: '3', count: 3 })
    expect(await alice.get(path())).toEqual({ rooms: { '!one': { sessions: { s2: key(2) } }, '!three': { sessions } } })
    expect(await alice.delete(path())).toEqual({ etag: '4', count: 0 })
    expect(await alice.get(path())).toEqual({ rooms: {} })
  })

  it('are replaced by better ones only, and the etag tells', async () => {
    const alice = await newcomer()
    const path = `${KEYS}/!room/session?version=${await create(alice)}`
    const put = async (index: number, verified: boolean, forwarded: number, data?: string) =>
      (await alice.put(path, key(index, verified, forwarded, data))).etag
    expect(await put(10, false, 5)).toBe('1')
    expect(await put(11, false, 5)).toBe('1')
    expect(await put(10, false, 6)).toBe('1')
    expect(await put(10, false, 5, 'other')).toBe('1')
    expect(await alice.get(path)).toEqual(key(10, false, 5))
    expect(await put(10, false, 4)).toBe('2')
    expect(await put(9, false, 9)).toBe('3')
    expect(await put(20, true, 9)).toBe('4')
    expect(await put(0, false, 0)).toBe('4')
    expect(await alice.get(path)).toEqual(key(20, true, 9))
  })

  it('go into the current version only, and are read from every one', async () => {
    const alice = await newcomer()
    const old = await create(alice)
    await alice.put(`${KEYS}/!room/session?version=${old}`, key(1))
    const current = await create(alice)
    expect(await alice.request('PUT', `${KEYS}/!room/session?version=${old}`, key(0))).toMatchObject({
      status: 403,
      body: { errcode: 'M_WRONG_ROOM_KEYS_VERSION', current_version: current },
    })
    expect(await alice.request('PUT', `${KEYS}/!room/session?version=77`, key(0))).toMatchObject({ status: 404 })
    expect(await alice.request('PUT', `${KEYS}/!room/session`, key(0))).toMatchObject({ status: 400 })
    expect(await alice.get(`${KEYS}/!room/session?version=${old}`)).toEqual(key(1))
    expect(await alice.get(`${KEYS}?version=${current}`)).toEqual({ rooms: {} })
  })

  it('may be many, also from two devices at once', async () => {
    const alice = await newcomer()
    const path = `${KEYS}?version=${await create(alice)}`
    const many = (from: number, to: number) => {
      const ids = Array.from({ length: to - from }, (_, i) => `s${from + i}`)
      const sessions = Object.fromEntries(ids.map((id) => [id, key(0)]))
      return { rooms: { '!room': { sessions }, '!other': { sessions: { only: key(1) } } } }
    }
    await Promise.all([alice.put(path, many(0, 800)), alice.put(path, many(400, 1201))])
    expect(await alice.get(VERSION)).toMatchObject({ count: 1202 })
    const ofRoom = await alice.get(path.replace('?', '/!room?'))
    expect(Object.keys(ofRoom.sessions)).toHaveLength(1201)
    expect(await alice.get(path)).toEqual({ rooms: { '!room': ofRoom, '!other': { sessions: { only: key(1) } } } })
    expect(await alice.get(path.replace('?', '/!none?'))).toEqual({ sessions: {} })
    expect(await alice.delete(path)).toMatchObject({ count: 0 })
  })

  it('are refused when they are too large or no keys', async () => {
    const alice = await newcomer()
    const path = `${KEYS}/!room/session?version=${await create(alice)}`
    const put = (body: object) => alice.request('PUT', path, body)
    expect(await put(key(0, false, 0, 'x'.repeat(40_000)))).toMatchObject({ status: 413 })
    expect(await put({ ...key(0), first_message_index: -1 })).toMatchObject({ status: 400 })
    expect(await put({ ...key(0), is_verified: undefined })).toMatchObject({ status: 400 })
    expect(await alice.get(VERSION)).toMatchObject({ count: 0, etag: '0' })
  })

  it('are nobody else’s', async () => {
    const { client } = await startServer()
    const [alice, bob] = await client.registerAll('alice', 'bob')
    await create(alice)
    await create(bob)
    await alice.put(`${KEYS}/!room/session?version=1`, key(1))
    expect(await bob.get(`${KEYS}?version=1`)).toEqual({ rooms: {} })
  })
})
