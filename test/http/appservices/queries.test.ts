import { describe, expect, it } from 'vitest'
import { ListeningService } from '../../support/app-service.ts'
import { startBridged } from '../../support/bridged.ts'
import { roomPath } from '../../support/client.ts'
import { HS_TOKEN } from '../../support/registration.ts'

const ROOT = '/_matrix/app/v1'

describe('An application service', () => {
  it('is asked for a user who is invited and not there yet, and makes the user before it answers', async () => {
    const service = await ListeningService.start()
    const { client, ghost } = await startBridged({ url: service.url })
    service.answer = async ({ path }) => {
      if (path.includes('nobody')) return { status: 404, body: { errcode: 'M_NOT_FOUND' } }
      if (path.startsWith(`${ROOT}/users/`)) await (await ghost('irc_kim')).put(named('@irc_kim:example.org'), NAME)
      return {}
    }
    const NAME = { displayname: '김' }
    const named = (userId: string) => `/v3/profile/${encodeURIComponent(userId)}/displayname`
    const alice = await client.register('alice')
    const roomId = await alice.createRoom()
    const memberOf = (userId: string) =>
      alice.get(`${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`)
    await alice.invite(roomId, '@irc_kim:example.org')
    await alice.invite(roomId, '@irc_nobody:example.org')
    expect(await memberOf('@irc_kim:example.org')).toMatchObject({ displayname: '김', membership: 'invite' })
    const queries = service.got.filter(({ path }) => path.startsWith(`${ROOT}/users/`))
    expect(queries.map(({ path }) => decodeURIComponent(path))).toEqual([
      `${ROOT}/users/@irc_kim:example.org`,
      `${ROOT}/users/@irc_nobody:example.org`,
    ])
    expect(queries[0]?.authorization).toBe(`Bearer ${HS_TOKEN}`)
  })

  it('is asked for a room whose alias leads nowhere, and makes the room before it answers', async () => {
    const service = await ListeningService.start()
    const { client, bridge } = await startBridged({ url: service.url })
    service.answer = async ({ path }) => {
      if (!path.startsWith(`${ROOT}/rooms/`)) return {}
      if (!path.includes('lobby')) return { status: 404, body: { errcode: 'M_NOT_FOUND' } }
      await bridge.post('/v3/createRoom', { room_alias_name: 'irc_lobby', preset: 'public_chat' })
      return {}
    }
    const alice = await client.register('alice')
    expect(await alice.join('#irc_lobby:example.org')).toMatch(/^!/)
    const missing = await alice.request('POST', `/v3/join/${encodeURIComponent('#irc_hall:example.org')}`)
    expect(missing.body.errcode).toBe('M_NOT_FOUND')
  })

  it('can find out whether it can be reached, and why not', async () => {
    const service = await ListeningService.start()
    const { bridge, client } = await startBridged({ url: service.url })
    const path = '/v1/appservice/irc/ping'
    expect(await bridge.post(path, { transaction_id: 'mau' })).toEqual({ duration_ms: 0 })
    expect(service.got).toMatchObject([{ path: `${ROOT}/ping`, body: { transaction_id: 'mau' } }])
    service.answer = () => ({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    expect(await bridge.request('POST', path, {})).toMatchObject({
      status: 502,
      body: { errcode: 'M_BAD_STATUS', status: 403, body: '{"errcode":"M_FORBIDDEN"}' },
    })
    const alice = await client.register('alice')
    const others = [
      await bridge.request('POST', '/v1/appservice/other/ping', {}),
      await alice.request('POST', path, {}),
    ]
    for (const { status, body } of others) expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    for (const [url, status, errcode] of [
      [null, 400, 'M_URL_NOT_SET'],
      ['http://127.0.0.1:1', 502, 'M_CONNECTION_FAILED'],
    ] as const) {
      const { bridge: deaf } = await startBridged({ url })
      expect(await deaf.request('POST', path, {})).toMatchObject({ status, body: { errcode } })
    }
  })

  it('tells of the networks that it connects, of their rooms and users', async () => {
    const service = await ListeningService.start()
    const { client } = await startBridged({ url: service.url, protocols: ['irc'] })
    const protocol = {
      user_fields: ['nickname'],
      location_fields: ['channel'],
      icon: 'mxc://example.org/irc',
      field_types: { nickname: { regexp: '.*', placeholder: 'nick' }, channel: { regexp: '#.*', placeholder: '#c' } },
      instances: [{ desc: 'Libera', network_id: 'libera', fields: {} }],
    }
    const location = { alias: '#irc_lobby:example.org', protocol: 'irc', fields: { channel: '#lobby' } }
    const user = { userid: '@irc_kim:example.org', protocol: 'irc', fields: { nickname: 'kim' } }
    service.answer = ({ path }) => {
      if (path === `${ROOT}/thirdparty/protocol/irc`) return { body: protocol }
      if (path.includes('nobody')) return { body: [] }
      return { body: path.includes('/location') ? [location] : [user] }
    }
    const alice = await client.register('alice')
    const shown = { ...protocol, instances: [{ ...protocol.instances[0], instance_id: 'irc|libera' }] }
    expect(await alice.get('/v3/thirdparty/protocols')).toEqual({ irc: shown })
    expect(await alice.get('/v3/thirdparty/protocol/irc')).toEqual(shown)
    expect(await alice.get('/v3/thirdparty/location/irc?channel=%23lobby')).toEqual([location])
    expect(await alice.get('/v3/thirdparty/user/irc?nickname=kim')).toEqual([user])
    expect(await alice.get(`/v3/thirdparty/location?alias=${encodeURIComponent(location.alias)}`)).toEqual([location])
    expect(await alice.get(`/v3/thirdparty/user?userid=${encodeURIComponent(user.userid)}`)).toEqual([user])
    for (const path of ['protocol/icq', 'user/icq', 'location/icq', 'user?userid=%40nobody%3Aexample.org']) {
      expect((await alice.request('GET', `/v3/thirdparty/${path}`)).body.errcode).toBe('M_NOT_FOUND')
    }
    expect(service.got.filter(({ path }) => path.includes('/protocol/'))).toHaveLength(1)
    expect(service.got.map(({ path }) => path)).toContain(`${ROOT}/thirdparty/location/irc?channel=%23lobby`)
  })

  it('keeps a directory of rooms for each of its networks, beside the one of the server', async () => {
    const { bridge, client } = await startBridged({ protocols: ['irc'] })
    const alice = await client.register('alice')
    const make = async (name: string, visibility: string) => alice.createRoom({ name, visibility })
    const [, lobby, hall] = [
      await make('Office', 'public'),
      await make('Lobby', 'private'),
      await make('Hall', 'private'),
    ]
    const list = (network: string, roomId: string) =>
      `/v3/directory/list/appservice/${network}/${encodeURIComponent(roomId)}`
    const shown = async (asked: object) => {
      const { chunk } = await alice.post('/v3/publicRooms', asked)
      return chunk.map(({ name }: { name: string }) => name).sort()
    }
    await bridge.put(list('libera', lobby), { visibility: 'public' })
    await bridge.put(list('oftc', hall), { visibility: 'public' })
    expect(await shown({})).toEqual(['Office'])
    expect(await shown({ third_party_instance_id: 'irc|libera' })).toEqual(['Lobby'])
    expect(await shown({ include_all_networks: true })).toEqual(['Hall', 'Lobby', 'Office'])
    await bridge.put(list('libera', lobby), { visibility: 'private' })
    expect(await shown({ third_party_instance_id: 'irc|libera' })).toEqual([])
    const refused = [
      await alice.request('PUT', list('libera', lobby), { visibility: 'public' }),
      await bridge.request('PUT', list('libera', '!none:example.org'), { visibility: 'public' }),
      await alice.request('POST', '/v3/publicRooms', {
        include_all_networks: true,
        third_party_instance_id: 'irc|oftc',
      }),
    ]
    expect(refused.map(({ body }) => body.errcode)).toEqual(['M_FORBIDDEN', 'M_NOT_FOUND', 'M_INVALID_PARAM'])
  })
})
