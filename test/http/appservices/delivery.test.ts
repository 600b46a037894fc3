import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ListeningService } from '../../support/app-service.ts'
import { openBridged, startBridged } from '../../support/bridged.ts'
import { roomPath } from '../../support/client.ts'
import { HS_TOKEN } from '../../support/registration.ts'

const bodies = (service: ListeningService): string[] =>
  service.eventsOf('events').flatMap(({ type, content }) => (type === 'm.room.message' ? content.body : []))

const receipt = (roomId: string, eventId: string) => `${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`

describe('An application service', () => {
  it('is told what happens in the rooms of its users, in order, and of nothing else', async () => {
    const service = await ListeningService.start()
    const { client, ghost } = await startBridged({ url: service.url })
    const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
    const other = await alice.createRoom()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await alice.send(roomId, 'before')
    await alice.invite(roomId, kim.userId)
    await kim.join(roomId)
    await alice.send(other, 'elsewhere')
    for (const text of ['one', 'two', 'three']) await alice.send(roomId, text)
    await kim.leave(roomId)
    await alice.send(roomId, 'after')
    const last = await service.event(({ content }) => content.membership === 'leave')
    expect(last).toMatchObject({ room_id: roomId, sender: kim.userId, state_key: kim.userId })
    expect(last).toHaveProperty('event_id')
    await alice.invite(roomId, kim.userId)
    await service.until(() => (memberships().length === 4 ? true : undefined))
    expect(bodies(service)).toEqual(['one', 'two', 'three'])
    expect(memberships()).toEqual(['invite', 'join', 'leave', 'invite'])
    for (const { authorization, path } of service.got) {
      expect(authorization).toBe(`Bearer ${HS_TOKEN}`)
      expect(path).toMatch(/^\/_matrix\/app\/v1\/transactions\/[\w-]+$/)
    }
    function memberships() {
      return service.eventsOf('events').flatMap(({ content, state_key }) => (state_key ? content.membership : []))
    }
  })

  it('is told of rooms in its namespaces, by their ids and by their aliases', async () => {
    const service = await ListeningService.start()
    const namespaces = { users: [], aliases: [{ exclusive: false, regex: '#irc_.*' }], rooms: [] }
    const { client } = await startBridged({ url: service.url, namespaces })
    const alice = await client.register('alice')
    const roomId = await alice.createRoom({ room_alias_name: 'irc_lobby' })
    await service.event(({ type }) => type === 'm.room.create')
    const later = await alice.createRoom()
    await alice.send(later, 'unheard')
    const alias = `/v3/directory/room/${encodeURIComponent('#irc_later:example.org')}`
    await alice.put(alias, { room_id: later })
    await alice.send(later, 'heard')
    await alice.delete(alias)
    await alice.send(later, 'unheard again')
    await alice.send(roomId, 'last')
    await service.event(({ content }) => content.body === 'last')
    expect(bodies(service)).toEqual(['heard', 'last'])
  })

  it('gets the same again under the same id until it accepts, also after a restart, and nothing twice', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'bongsu-appservice-'))
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
    const service = await ListeningService.start()
    service.answer = () => ({ status: 500 })
    const before = await openBridged({ url: service.url }, { directory })
    const [alice, kim] = [await before.client.register('alice'), await before.ghost('irc_kim')]
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await kim.join(roomId)
    await service.until(() => service.transactions[0])
    for (const text of ['one', 'two']) await alice.send(roomId, text)
    // As many seconds as it pauses; then the same again.
    while (service.transactions.length < 2) {
      before.clock.advance(1_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await before.close()
    const sent = service.transactions.length
    const [first] = service.transactions
    expect(new Set(service.transactions.map(({ path, body }) => `${path} ${JSON.stringify(body)}`)).size).toBe(1)
    service.answer = () => ({})
    const after = await openBridged({ url: service.url }, { directory, clock: before.clock })
    onTestFinished(() => after.close())
    await service.event(({ content }) => content.body === 'two')
    await after.server.services.appServiceDelivery.idle()
    const accepted = service.transactions.slice(sent)
    expect(accepted[0]).toMatchObject({ path: first?.path, body: first?.body })
    const ids = accepted.flatMap(({ body }) => body.events.map((event: { event_id: string }) => event.event_id))
    expect(new Set(ids).size).toBe(ids.length)
    expect(accepted.flatMap(({ body }) => body.events).map(({ content }) => content.body ?? '-')).toEqual([
      '-',
      'one',
      'two',
    ])
  })

  it('is asked at the paths of older ones where it does not know today’s', async () => {
    const service = await ListeningService.start()
    service.answer = ({ path }) =>
      path.startsWith('/_matrix') ? { status: 404, body: { errcode: 'M_UNRECOGNIZED' } } : {}
    const { client, ghost } = await startBridged({ url: `${service.url}/` })
    const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
    await kim.join(await alice.createRoom({ preset: 'public_chat' }))
    const legacy = await service.until(() => service.transactions.find(({ path }) => path.startsWith('/transactions/')))
    expect(legacy.path).toMatch(/^\/transactions\/[\w-]+\?access_token=hs-token$/)
  })

  it('hears of typing, receipts and presence if it wants to', async () => {
    for (const name of ['receive_ephemeral', 'de.sorunome.msc2409.push_ephemeral']) {
      const service = await ListeningService.start()
      const { client, ghost } = await startBridged({ url: service.url, [name]: true })
      const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
      const roomId = await alice.createRoom({ preset: 'public_chat' })
      await kim.join(roomId)
      const eventId = await alice.send(roomId, 'read this')
      await alice.put(`${roomPath(roomId)}/typing/${alice.userId}`, { typing: true, timeout: 10_000 })
      await alice.post(receipt(roomId, eventId))
      await alice.put(`/v3/presence/${alice.userId}/status`, { presence: 'online', status_msg: '예산과' })
      const heard = (type: string) =>
        service.until(() => service.eventsOf('ephemeral').find((event) => event.type === type))
      expect(await heard('m.typing')).toEqual({
        type: 'm.typing',
        room_id: roomId,
        content: { user_ids: [alice.userId] },
      })
      expect(await heard('m.receipt')).toMatchObject({
        room_id: roomId,
        content: { [eventId]: { 'm.read': { [alice.userId]: { ts: expect.any(Number) } } } },
      })
      const isOurs = ({ type, content }: { type: string; content: { status_msg?: string } }) =>
        type === 'm.presence' && content.status_msg !== undefined
      const presence = await service.until(() => service.eventsOf('ephemeral').find(isOurs))
      expect(presence).toMatchObject({ sender: alice.userId, content: { presence: 'online', status_msg: '예산과' } })
      expect(service.eventsOf('de.sorunome.msc2409.ephemeral')).toEqual(service.eventsOf('ephemeral'))
    }
  })

  it('gets what its users’ encryption needs: messages, changed devices, counts of keys', async () => {
    const service = await ListeningService.start()
    const changes = { url: service.url, receive_ephemeral: true, 'org.matrix.msc3202': true }
    const { client, ghost } = await startBridged(changes)
    const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
    await kim.join(await alice.createRoom({ preset: 'public_chat' }))
    await kim.put('/v3/devices/D1')
    const key = { key: 'a', signatures: {} }
    await kim.post('/v3/keys/upload?device_id=D1', { one_time_keys: { 'signed_curve25519:A': key } })
    await alice.post('/v3/keys/upload', { device_keys: deviceKeysOf(alice.userId, alice.deviceId) })
    const changed = await service.until(() =>
      service.transactions.find(({ body }) => body['org.matrix.msc3202.device_lists'].changed.length > 0),
    )
    expect(changed.body['org.matrix.msc3202.device_lists']).toEqual({ changed: [alice.userId], left: [] })
    await alice.put('/v3/sendToDevice/m.test/1', { messages: { [kim.userId]: { D1: { secret: 1 } } } })
    const isTold = () => service.transactions.find(({ body }) => body['de.sorunome.msc2409.to_device'].length > 0)
    const { body } = await service.until(isTold)
    expect(body['de.sorunome.msc2409.to_device']).toEqual([
      { type: 'm.test', sender: alice.userId, content: { secret: 1 }, to_user_id: kim.userId, to_device_id: 'D1' },
    ])
    const counts = { [kim.userId]: { D1: { signed_curve25519: 1 } } }
    expect(body['org.matrix.msc3202.device_one_time_keys_count']).toEqual(counts)
    await alice.post('/v3/keys/claim', { one_time_keys: { [kim.userId]: { D1: 'signed_curve25519' } } })
    const empty = { [kim.userId]: { D1: { signed_curve25519: 0 } } }
    const isEmpty = ({ body: told }: { body: Record<string, unknown> }) =>
      JSON.stringify(told['org.matrix.msc3202.device_one_time_keys_count']) === JSON.stringify(empty)
    await service.until(() => service.transactions.find(isEmpty))
    // It has them now: the device does not get them a second time.
    expect((await kim.get('/v3/sync?device_id=D1')).to_device).toBeUndefined()
  })

  it('takes no message away from devices that fetch it themselves', async () => {
    const people = { users: [{ exclusive: false, regex: '@.*' }] }
    // A bridge whose bot waits at /sync; and one that looks over people's shoulders.
    for (const changes of [{}, { 'org.matrix.msc3202': true, namespaces: people }]) {
      const service = await ListeningService.start()
      const { client, ghost } = await startBridged({ url: service.url, receive_ephemeral: true, ...changes })
      const [alice, kim] = [await client.register('alice'), await ghost('irc_kim')]
      await kim.put('/v3/devices/D1')
      const { next_batch: since } = await kim.get('/v3/sync?device_id=D1')
      await alice.put('/v3/sendToDevice/m.test/1', { messages: { [kim.userId]: { D1: { secret: 1 } } } })
      const message = { type: 'm.test', sender: alice.userId, content: { secret: 1 } }
      await service.until(() => service.eventsOf('de.sorunome.msc2409.to_device')[0])
      for (const path of [`/v3/sync?since=${since}&device_id=D1`, '/v3/sync?device_id=D1']) {
        expect((await kim.get(path)).to_device.events).toEqual([message])
      }
    }
  })
})

const deviceKeysOf = (userId: string, deviceId: string) => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.olm.v1.curve25519-aes-sha2'],
  keys: { [`ed25519:${deviceId}`]: 'key' },
  signatures: {},
})
