import { describe, expect, it } from 'vitest'
import { startBridged } from '../../support/bridged.ts'
import { Client, roomPath } from '../../support/client.ts'

const REGISTER = { type: 'm.login.application_service', inhibit_login: true }

describe('An application service', () => {
  it('acts as its own user, and as those of its namespaces that it has registered', async () => {
    const { bridge, ghost, client } = await startBridged()
    expect(await bridge.get('/v3/account/whoami')).toEqual({ user_id: '@irc-bot:example.org', is_guest: false })
    const kim = await ghost('irc_kim')
    expect(await kim.get('/v3/account/whoami')).toMatchObject({ user_id: '@irc_kim:example.org' })
    await client.register('alice')
    for (const other of ['@irc_lee:example.org', '@alice:example.org', '@irc_kim:elsewhere.org', 'kim']) {
      const answer = await bridge.request('GET', `/v3/account/whoami?user_id=${other}`)
      expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    }
  })

  it('has its namespaces for itself, and nothing outside of them', async () => {
    const { bridge, client } = await startBridged()
    const alice = await client.register('alice')
    const auth = { type: 'm.login.dummy' }
    const errcodes = async (answers: Promise<{ body: { errcode: string } }>[]) =>
      (await Promise.all(answers)).map(({ body }) => body.errcode)
    const register = (by: Client, body: object) => by.request('POST', '/v3/register', body)
    expect(
      await errcodes([
        register(client, { auth, username: 'irc_kim', password: 'correct horse battery staple' }),
        register(client, { auth, username: 'irc-bot', password: 'correct horse battery staple' }),
        register(bridge, { ...REGISTER, username: 'bob' }),
        register(bridge, { ...REGISTER, username: 'irc_KIM' }),
        register(client, { ...REGISTER, username: 'irc_kim' }),
        register(new Client(client.url, 'another'), { ...REGISTER, username: 'irc_kim' }),
      ]),
    ).toEqual(['M_EXCLUSIVE', 'M_EXCLUSIVE', 'M_EXCLUSIVE', 'M_INVALID_USERNAME', 'M_MISSING_TOKEN', 'M_UNKNOWN_TOKEN'])
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const alias = (name: string) => `/v3/directory/room/${encodeURIComponent(`#${name}:example.org`)}`
    expect(
      await errcodes([
        alice.request('PUT', alias('irc_lobby'), { room_id: roomId }),
        alice.request('POST', '/v3/createRoom', { room_alias_name: 'irc_hall' }),
        bridge.request('PUT', alias('lobby'), { room_id: roomId }),
      ]),
    ).toEqual(['M_EXCLUSIVE', 'M_EXCLUSIVE', 'M_EXCLUSIVE'])
    await bridge.put(alias('irc_lobby'), { room_id: roomId })
    await bridge.delete(alias('irc_lobby'))
  })

  it('logs its users in without a password', async () => {
    const { bridge, ghost, client } = await startBridged()
    await ghost('irc_kim')
    await client.register('alice')
    expect((await client.get('/v3/login')).flows).toContainEqual({ type: 'm.login.application_service' })
    const login = (user: string) => ({
      type: 'm.login.application_service',
      identifier: { type: 'm.id.user', user },
      device_id: 'BRIDGE',
    })
    const { access_token } = await bridge.post('/v3/login', login('irc_kim'))
    const own = new Client(bridge.url, access_token)
    expect(await own.get('/v3/account/whoami')).toMatchObject({ user_id: '@irc_kim:example.org', device_id: 'BRIDGE' })
    const answers = [
      await bridge.request('POST', '/v3/login', login('alice')),
      await client.request('POST', '/v3/login', login('irc_kim')),
    ]
    expect(answers.map(({ body }) => body.errcode)).toEqual(['M_EXCLUSIVE', 'M_MISSING_TOKEN'])
  })

  it('makes devices, acts as them under both names of the parameter, and ends them without being asked who it is', async () => {
    const { bridge, ghost } = await startBridged()
    const kim = await ghost('irc_kim')
    expect((await kim.request('PUT', '/v3/devices/D1', { display_name: 'Bridge' })).status).toBe(201)
    expect((await kim.request('PUT', '/v3/devices/D1', { display_name: 'The bridge' })).status).toBe(200)
    for (const name of ['device_id', 'org.matrix.msc3202.device_id']) {
      expect(await kim.get(`/v3/account/whoami?${name}=D1`)).toMatchObject({ device_id: 'D1' })
      const unknown = await kim.request('GET', `/v3/account/whoami?${name}=D2`)
      expect([unknown.status, unknown.body.errcode]).toEqual([400, 'M_UNKNOWN_DEVICE'])
    }
    expect((await kim.get('/v3/devices/D1')).display_name).toBe('The bridge')
    expect((await kim.request('POST', '/v3/keys/upload', { one_time_keys: {} })).status).toBe(400)
    expect(await kim.post('/v3/keys/upload?device_id=D1', { one_time_keys: {} })).toHaveProperty('one_time_key_counts')
    await kim.delete('/v3/devices/D1')
    expect((await kim.get('/v3/devices')).devices).toEqual([])
    expect((await bridge.get('/v3/devices')).devices).toEqual([])
  })

  it('says when an event happened; nobody else does', async () => {
    const { ghost, client, clock } = await startBridged()
    const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const timeOf = async (eventId: string) =>
      (await alice.get(`${roomPath(roomId)}/event/${encodeURIComponent(eventId)}`)).origin_server_ts
    const member = `${roomPath(roomId)}/state/m.room.member/${encodeURIComponent(kim.userId)}`
    const joined = await kim.put(`${member}?ts=1000`, { membership: 'join' })
    const sent = await kim.put(`${roomPath(roomId)}/send/m.room.message/1?ts=2000`, { body: 'then' })
    const topic = await alice.put(`${roomPath(roomId)}/state/m.room.topic?ts=3000`, { topic: 'now' })
    expect(await timeOf(joined.event_id)).toBe(1000)
    expect(await timeOf(sent.event_id)).toBe(2000)
    expect(await timeOf(topic.event_id)).toBe(clock.now())
    for (const ts of ['-1', 'then', '1.5', '9007199254740993']) {
      const answer = await kim.request('PUT', `${roomPath(roomId)}/send/m.room.message/2?ts=${ts}`, { body: 'x' })
      expect(answer.body.errcode).toBe('M_INVALID_PARAM')
    }
  })

  it('names its users, also where people do not name themselves', async () => {
    const { ghost, client } = await startBridged({}, { profiles: { change: false } })
    const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
    const name = (userId: string) => `/v3/profile/${encodeURIComponent(userId)}/displayname`
    await kim.put(name(kim.userId), { displayname: '김 (IRC)' })
    expect(await alice.get(name(kim.userId))).toEqual({ displayname: '김 (IRC)' })
    expect((await alice.request('PUT', name(alice.userId), { displayname: '장관' })).status).toBe(403)
    for (const [user, enabled] of [
      [kim, true],
      [alice, false],
    ] as const) {
      expect((await user.get('/v3/capabilities')).capabilities['m.set_displayname']).toEqual({ enabled })
    }
  })

  it('may use one transaction id for each of its users', async () => {
    const { ghost, client } = await startBridged()
    const alice = await client.register('alice')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const ghosts = [await ghost('irc_kim'), await ghost('irc_lee')]
    const sent: string[] = []
    for (const one of ghosts) {
      await one.join(roomId)
      for (let i = 0; i < 2; i++) {
        sent.push((await one.put(`${roomPath(roomId)}/send/m.room.message/same`, { body: 'x' })).event_id)
      }
    }
    expect(new Set(sent).size).toBe(2)
  })

  it('is held to rate limits only where its registration says so, and never as its own user', async () => {
    const once = { per_second: 0.001, burst: 1 }
    const config = { rate_limits: { message: { user: once } } }
    for (const [rate_limited, expected] of [
      [true, [429, 200]],
      [false, [200, 200]],
    ] as const) {
      const { ghost, bridge } = await startBridged({ rate_limited }, config)
      const kim = await ghost('irc_kim')
      const roomId = await kim.createRoom({ preset: 'public_chat' })
      await bridge.post(`/v3/join/${encodeURIComponent(roomId)}`)
      const path = (txnId: number) => `${roomPath(roomId)}/send/m.room.message/${txnId}`
      for (const one of [kim, bridge]) await one.request('PUT', path(1), { body: 'x' })
      const again = [
        await kim.request('PUT', path(2), { body: 'x' }),
        await bridge.request('PUT', path(2), { body: 'x' }),
      ]
      expect(again.map(({ status }) => status)).toEqual(expected)
    }
  })

  it('makes as many users as it likes, and logs them in, while strangers of the same address wait', async () => {
    const address = { per_second: 0.001, burst: 1 }
    const { ghost, bridge, client } = await startBridged(
      {},
      { rate_limits: { register: { address }, login: { address } } },
    )
    const logIn = (user: string) => ({
      type: 'm.login.application_service',
      identifier: { type: 'm.id.user', user },
    })
    for (const name of ['irc_kim', 'irc_lee', 'irc_park']) {
      await ghost(name)
      await bridge.post('/v3/login', logIn(name))
    }
    const strangers = [
      await client.request('POST', '/v3/register', {}),
      await client.request('POST', '/v3/register', {}),
    ]
    expect(strangers.map(({ status }) => status)).toEqual([401, 429])
  })
})
