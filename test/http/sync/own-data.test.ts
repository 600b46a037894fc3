import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { startServer } from '../../support/server.ts'
import { contentOf } from '../../support/sync.ts'

const own = (user: User) => `/v3/user/${encodeURIComponent(user.userId)}`

async function person() {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const roomId = await alice.createRoom({ preset: 'public_chat' })
  return { client, alice, roomId, ofRoom: `${own(alice)}/rooms/${encodeURIComponent(roomId)}` }
}

describe('Account data', () => {
  it('reaches the other devices, globally and for a room, once', async () => {
    const { client, alice, roomId, ofRoom } = await person()
    const phone = await client.login('alice')
    await phone.sync()
    await alice.put(`${own(alice)}/account_data/org.example.a`, { n: 1 })
    await alice.put(`${own(alice)}/account_data/org.example.a`, { n: 2 })
    await alice.put(`${ofRoom}/account_data/org.example.b`, { m: 3 })
    const answer = await phone.sync()
    expect(answer.account_data.events).toEqual([{ type: 'org.example.a', content: { n: 2 } }])
    expect(contentOf(answer.rooms.join[roomId].account_data, 'org.example.b')).toEqual({ m: 3 })
    const {
      next_batch: _next,
      device_one_time_keys_count: _count,
      device_unused_fallback_key_types: _types,
      ...news
    } = await phone.sync()
    expect(news).toEqual({})
    expect(await alice.get(`${own(alice)}/account_data/org.example.a`)).toEqual({ n: 2 })
    expect(await alice.get(`${ofRoom}/account_data/org.example.b`)).toEqual({ m: 3 })
  })

  it('is deleted by its own endpoint or by nothing in its place: once more it is synced, then it is gone', async () => {
    const { alice, roomId, ofRoom } = await person()
    const deletion = (path: string) => path.replace('/v3', '/unstable/org.matrix.msc3391')
    const [globally, inRoom] = [`${own(alice)}/account_data/a`, `${ofRoom}/account_data/a`]
    for (const remove of [
      (path: string) => alice.delete(deletion(path)),
      (path: string) => alice.put(path, {}),
      (path: string) => alice.delete(deletion(path)),
    ]) {
      for (const path of [globally, inRoom]) await alice.put(path, { n: 1 })
      await alice.sync()
      for (const path of [globally, inRoom]) await remove(path)
      const answer = await alice.sync()
      expect(contentOf(answer.account_data, 'a')).toEqual({})
      expect(contentOf(answer.rooms.join[roomId].account_data, 'a')).toEqual({})
      for (const path of [globally, inRoom]) {
        expect((await alice.request('GET', path)).body.errcode).toBe('M_NOT_FOUND')
      }
    }
    const whole = await alice.get('/v3/sync')
    expect(JSON.stringify(whole)).not.toContain('"type":"a"')
  })

  it('of others, of strange rooms and of reserved types is refused', async () => {
    const { client, alice, roomId, ofRoom } = await person()
    const bob = await client.register('bob')
    expect(await bob.request('PUT', `${own(alice)}/account_data/a`, {})).toMatchObject({ status: 403 })
    for (const path of [`${own(alice)}/account_data/m.push_rules`, `${ofRoom}/account_data/m.fully_read`]) {
      expect(await alice.request('PUT', path, {})).toMatchObject({ status: 405, body: { errcode: 'M_BAD_JSON' } })
    }
    expect(await alice.request('GET', `${own(alice)}/account_data/none`)).toMatchObject({ status: 404 })
    // A room that exists looks like one that does not.
    for (const strange of [roomId, '!none:example.org']) {
      const path = `${own(bob)}/rooms/${encodeURIComponent(strange)}/account_data/a`
      expect(await bob.request('PUT', path, {})).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
    }
  })
})

describe('Tags', () => {
  it('are set, listed, deleted and synced', async () => {
    const { alice, roomId, ofRoom } = await person()
    await alice.sync()
    await alice.put(`${ofRoom}/tags/m.favourite`, { order: 0.5 })
    await alice.put(`${ofRoom}/tags/u.work`, {})
    const tags = { 'm.favourite': { order: 0.5 }, 'u.work': {} }
    expect(await alice.get(`${ofRoom}/tags`)).toEqual({ tags })
    expect(contentOf((await alice.sync()).rooms.join[roomId].account_data, 'm.tag')).toEqual({ tags })
    await alice.delete(`${ofRoom}/tags/u.work`)
    expect(await alice.get(`${ofRoom}/tags`)).toEqual({ tags: { 'm.favourite': { order: 0.5 } } })
    expect((await alice.request('PUT', `${ofRoom}/tags/${'x'.repeat(256)}`, {})).status).toBe(400)
  })

  it('set at the same time are all kept', async () => {
    const { alice, ofRoom } = await person()
    const names = Array.from({ length: 8 }, (_, i) => `u.${i}`)
    await Promise.all(names.map((name) => alice.put(`${ofRoom}/tags/${name}`, {})))
    expect(Object.keys((await alice.get(`${ofRoom}/tags`)).tags).sort()).toEqual(names)
  })
})
