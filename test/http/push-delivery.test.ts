import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, it, onTestFinished } from 'vitest'
import { administrator } from '../support/administrator.ts'
import { roomPath, type User } from '../support/client.ts'
import { FakeClock } from '../support/clock.ts'
import { PushGateway, pusherTo } from '../support/push-gateway.ts'
import { openServer, startServer, type TestServer } from '../support/server.ts'

const SECOND_MS = 1_000

function temporary(): string {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-push-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** The configuration with which a server may reach these gateways. */
function reaching(...gateways: PushGateway[]) {
  const file = join(temporary(), 'authority.pem')
  writeFileSync(file, gateways.map(({ authority }) => authority).join('\n'))
  return { outbound: { allow: ['127.0.0.1'], authorities_file: file } }
}

const setPusher = (user: User, { url }: PushGateway, fields: object = {}, data: object = {}) =>
  user.post('/v3/pushers/set', pusherTo(url, { data: { url, ...data }, ...fields }))

const read = (user: User, roomId: string, eventId: string) =>
  user.post(`${roomPath(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`)

/** Everything that was done has been queued, and sent as far as it can be. */
async function settled({ server }: TestServer) {
  await server.services.pushFeed.idle()
  await server.services.pushSender.idle()
}

/** Bob, who has a pusher, and Alice in a room. */
async function scene(data: object = {}) {
  const gateway = await PushGateway.start()
  const server = await startServer({ config: reaching(gateway) })
  return { gateway, server, ...(await twoIn(server, gateway, data)) }
}

async function twoIn(server: TestServer, gateway: PushGateway, data: object = {}) {
  const [alice, bob] = await server.client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom({ preset: 'public_chat', name: '예산과', room_alias_name: 'budget' })
  await bob.join(roomId)
  await setPusher(bob, gateway, {}, data)
  return { alice, bob, roomId }
}

/** A server that the test closes; it starts again with the same options. */
async function beforeRestart() {
  const gateway = await PushGateway.start()
  const options = { config: reaching(gateway), directory: temporary(), clock: new FakeClock() }
  return { gateway, options, first: await openServer(options) }
}

describe('Push notifications', () => {
  it('tell a gateway over HTTPS what happened, with tweaks, counts and the data of the pusher', async () => {
    const { gateway, server, alice, bob, roomId } = await scene({ default_payload: { aps: {} } })
    const body = { msgtype: 'm.text', body: '예산안', 'm.mentions': { user_ids: [bob.userId] } }
    const eventId = await alice.send(roomId, body)
    const [notification] = await gateway.count(1)
    expect(notification).toEqual({
      event_id: eventId,
      room_id: roomId,
      type: 'm.room.message',
      sender: alice.userId,
      sender_display_name: 'alice',
      room_name: '예산과',
      room_alias: '#budget:example.org',
      prio: 'high',
      content: body,
      counts: { unread: 1 },
      devices: [
        {
          app_id: 'kr.go.talk.ios',
          pushkey: 'phone',
          pushkey_ts: Math.floor(server.clock.now() / 1000),
          data: { default_payload: { aps: {} } },
          tweaks: { highlight: true, sound: 'default' },
        },
      ],
    })
    await settled(server)
    expect(gateway.got).toHaveLength(1)
  })

  it('say no more than the id of the event where the client wants that', async () => {
    const { gateway, alice, roomId } = await scene({ format: 'event_id_only' })
    const eventId = await alice.send(roomId, 'secret')
    const [notification] = await gateway.count(1)
    expect(Object.keys(notification).sort()).toEqual(['counts', 'devices', 'event_id', 'prio', 'room_id'])
    expect(notification).toMatchObject({ event_id: eventId, devices: [{ data: { format: 'event_id_only' } }] })
    expect(JSON.stringify(notification)).not.toContain('secret')
  })

  it('say who wrote where, but not what, where the configuration wants that', async () => {
    const gateway = await PushGateway.start()
    const config = { ...reaching(gateway), push: { include_content: false } }
    const { alice, roomId } = await twoIn(await startServer({ config }), gateway)
    await alice.send(roomId, 'secret')
    const [notification] = await gateway.count(1)
    expect(notification).toMatchObject({ sender: alice.userId, room_name: '예산과' })
    expect(JSON.stringify(notification)).not.toContain('secret')
  })

  it('are for what notifies: not for one’s own messages, notices, or people who are ignored', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    const carol = await server.client.register('carol')
    await carol.join(roomId)
    await bob.put(`/v3/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [carol.userId]: {} } })
    await bob.send(roomId, 'mine')
    await carol.send(roomId, 'ignored')
    await alice.send(roomId, { msgtype: 'm.notice', body: 'by a machine' })
    const last = await alice.send(roomId, 'for bob')
    await gateway.count(1)
    await settled(server)
    expect(gateway.got.map(({ event_id }) => event_id)).toEqual([last])
  })

  it('tell of invites', async () => {
    const { gateway, alice, bob } = await scene()
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    expect((await gateway.count(1))[0]).toMatchObject({ room_id: roomId, type: 'm.room.member', user_is_target: true })
  })

  it('tell of no invite that its receiver’s rules hide', async () => {
    const { gateway, server, alice, bob } = await scene()
    const rules = { ignored_users: [alice.userId] }
    await bob.put(`/v3/user/${bob.userId}/account_data/org.matrix.msc4155.invite_permission_config`, rules)
    await alice.createRoom({ invite: [bob.userId] })
    const carol = await server.client.register('carol')
    const shown = await carol.createRoom({ invite: [bob.userId] })
    await settled(server)
    expect(gateway.got.map(({ room_id }) => room_id)).toEqual([shown])
  })

  it('count what is unread, and take the count back once it is read, by a notification without an event', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    await alice.send(roomId, 'one')
    const second = await alice.send(roomId, 'two')
    await gateway.count(2)
    await settled(server)
    expect(gateway.got.at(-1).counts).toEqual({ unread: 2 })
    await read(bob, roomId, second)
    await settled(server)
    expect(gateway.got).toHaveLength(3)
    expect(gateway.got[2]).toEqual({
      counts: { unread: 0 },
      devices: [expect.objectContaining({ app_id: 'kr.go.talk.ios', pushkey: 'phone' })],
    })
    // Nothing to take back any more.
    await read(bob, roomId, second)
    await settled(server)
    expect(gateway.got).toHaveLength(3)
  })

  it('tell all pushers of a user the same count', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    for (const pushkey of ['tablet', 'watch']) await setPusher(bob, gateway, { pushkey })
    await alice.send(roomId, 'one')
    await settled(server)
    expect(gateway.got.map(({ counts }) => counts.unread)).toEqual([1, 1, 1])
  })

  it('count nothing of whom the user has come to ignore', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    const carol = await server.client.register('carol')
    const other = await carol.createRoom({ preset: 'public_chat' })
    await bob.join(other)
    await carol.send(other, 'one')
    await gateway.count(1)
    await settled(server)
    await bob.put(`/v3/user/${bob.userId}/account_data/m.ignored_user_list`, { ignored_users: { [carol.userId]: {} } })
    await alice.send(roomId, 'two')
    await settled(server)
    expect(gateway.got.map(({ counts }) => counts.unread)).toEqual([1, 1])
  })

  it('take the count back of a thread that is no longer followed', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    const rootId = await bob.send(roomId, 'root')
    const path = `/unstable/io.element.msc4306${roomPath(roomId).slice(3)}/thread/${encodeURIComponent(rootId)}/subscription`
    await bob.put(path)
    await alice.send(roomId, { body: 'reply', 'm.relates_to': { rel_type: 'm.thread', event_id: rootId } })
    await gateway.count(1)
    await settled(server)
    await bob.delete(path)
    await settled(server)
    expect(gateway.got.map(({ counts }) => counts.unread)).toEqual([1, 0])
  })

  it('take the count back of what is read while the gateway is still being told', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    gateway.answer = async ({ event_id: eventId }) => {
      asked.resolve()
      if (eventId !== undefined) await answered.promise
      return {}
    }
    const eventId = await alice.send(roomId, 'one')
    await asked.promise
    await read(bob, roomId, eventId)
    await server.server.services.pushFeed.idle()
    answered.resolve()
    await settled(server)
    expect(gateway.got.map(({ counts }) => counts.unread)).toEqual([1, 0])
  })

  it('are tried again, later and later, while the gateway fails; nothing is lost and the order is kept', async () => {
    const { gateway, server, alice, roomId } = await scene()
    gateway.answer = () => ({ status: 502 })
    const first = await alice.send(roomId, 'one')
    await gateway.count(1)
    const second = await alice.send(roomId, 'two')
    await server.server.services.pushFeed.idle()
    for (const pauseMs of [2 * SECOND_MS, 4 * SECOND_MS]) {
      const before = gateway.got.length
      await untilPausing(server)
      server.clock.advance(pauseMs)
      await gateway.count(before + 1)
    }
    gateway.answer = () => ({})
    await untilPausing(server)
    server.clock.advance(8 * SECOND_MS)
    await settled(server)
    expect(gateway.got.map(({ event_id }) => event_id)).toEqual([first, first, first, first, second])
  })

  it('leave a line in the log when a gateway begins to fail', async () => {
    const gateway = await PushGateway.start()
    const lines: { msg: string; gateway?: string; reason?: string }[] = []
    const log = pino({ level: 'info' }, { write: (line) => lines.push(JSON.parse(line)) })
    const server = await startServer({ config: reaching(gateway), log })
    const { alice, roomId } = await twoIn(server, gateway)
    gateway.answer = () => ({ status: 502 })
    await alice.send(roomId, 'one')
    for (const pauseMs of [2 * SECOND_MS, 4 * SECOND_MS]) {
      await untilPausing(server)
      server.clock.advance(pauseMs)
    }
    await gateway.count(3)
    const { host } = new URL(gateway.url)
    expect(lines.flatMap(({ gateway: named, reason }) => (named === undefined ? [] : [[named, reason]]))).toEqual([
      [host, 'Error: The push gateway answered 502'],
    ])
  })

  it('survive a restart: what was not accepted comes, and what was does not come twice', async () => {
    const { gateway, options, first } = await beforeRestart()
    const { alice, roomId } = await twoIn(first, gateway)
    const accepted = await alice.send(roomId, 'accepted')
    await settled(first)
    gateway.answer = () => ({ status: 500 })
    const failed = await alice.send(roomId, 'failed')
    await gateway.count(2)
    await first.close()
    gateway.answer = () => ({})
    options.clock.advance(10 * SECOND_MS)
    const second = await startServer(options)
    await settled(second)
    expect(gateway.got.map(({ event_id }) => event_id)).toEqual([accepted, failed, failed])
  })

  it('do not come twice where the server stops while the gateway is being told', async () => {
    const { gateway, options, first } = await beforeRestart()
    const { alice, roomId } = await twoIn(first, gateway)
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    gateway.answer = async () => {
      asked.resolve()
      await answered.promise
      return {}
    }
    await alice.send(roomId, 'one')
    await asked.promise
    const closed = first.server.services.pushSender.close()
    answered.resolve()
    await closed
    await first.close()
    const second = await startServer(options)
    await settled(second)
    expect(gateway.got).toHaveLength(1)
  })

  it('come after a restart for events that were written, but not looked at before it', async () => {
    const { gateway, options, first } = await beforeRestart()
    const [alice, bob] = await first.client.registerAll('alice', 'bob')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await alice.send(roomId, 'before there was a pusher')
    await setPusher(bob, gateway)
    const seen = await alice.send(roomId, 'looked at')
    await settled(first)
    await first.server.services.pushFeed.close()
    const unseen = await alice.send(roomId, 'not looked at')
    await first.close()
    const second = await startServer(options)
    await settled(second)
    expect(gateway.got.map(({ event_id }) => event_id)).toEqual([seen, unseen])
  })

  it('take the count back after a restart of what was read just before it', async () => {
    const { gateway, options, first } = await beforeRestart()
    const { alice, bob, roomId } = await twoIn(first, gateway)
    const eventId = await alice.send(roomId, 'one')
    await settled(first)
    await first.server.services.pushFeed.close()
    await read(bob, roomId, eventId)
    await first.close()
    const second = await startServer(options)
    await settled(second)
    expect(gateway.got.map(({ counts }) => counts.unread)).toEqual([1, 0])
  })

  it('tell nobody of what was said in a room before they came', async () => {
    const { gateway, options, first } = await beforeRestart()
    const [alice, bob] = await first.client.registerAll('alice', 'bob')
    const visibility = { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } }
    const roomId = await alice.createRoom({ preset: 'public_chat', initial_state: [visibility] })
    await setPusher(bob, gateway)
    await first.server.services.pushFeed.close()
    await alice.send(roomId, 'not for bob')
    await bob.join(roomId)
    const eventId = await alice.send(roomId, 'for bob')
    await first.close()
    const second = await startServer(options)
    await settled(second)
    expect(gateway.got.map(({ event_id }) => event_id)).toEqual([eventId])
  })

  it('remove a pusher whose key the gateway rejects', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    gateway.answer = () => ({ body: '{"rejected":["another","phone"]}' })
    await alice.send(roomId, 'one')
    await settled(server)
    expect((await bob.get('/v3/pushers')).pushers).toEqual([])
    await alice.send(roomId, 'two')
    await settled(server)
    expect(gateway.got).toHaveLength(1)
  })

  it('do not stick at one that the gateway refuses, nor count it', async () => {
    const { gateway, server, alice, roomId } = await scene()
    gateway.answer = ({ content }) => (content.body === 'bad' ? { status: 400 } : {})
    await alice.send(roomId, 'bad')
    await alice.send(roomId, 'good')
    await settled(server)
    expect(gateway.got.map(({ content }) => content.body)).toEqual(['bad', 'good'])
    expect(await (await fetch(`${server.url}/metrics`)).text()).toContain('bongsu_pushes_accepted_total 1')
  })

  it('go to all pushers that are switched on', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    await setPusher(bob, gateway, { pushkey: 'tablet' })
    await setPusher(bob, gateway, { 'org.matrix.msc3881.enabled': false })
    await alice.send(roomId, 'one')
    await settled(server)
    expect(gateway.got.map(({ devices }) => devices[0].pushkey)).toEqual(['tablet'])
  })

  it('tell a pusher that is switched on again of the count alone', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    await alice.send(roomId, 'one')
    await gateway.count(1)
    await settled(server)
    await setPusher(bob, gateway, { 'org.matrix.msc3881.enabled': false })
    await read(bob, roomId, await alice.send(roomId, 'meanwhile'))
    await settled(server)
    await setPusher(bob, gateway)
    await settled(server)
    expect(gateway.got.map(({ event_id, counts }) => [event_id !== undefined, counts.unread])).toEqual([
      [true, 1],
      [false, 0],
    ])
  })

  it('go to nobody whose account is locked: not even what waited before', async () => {
    const { gateway, server, alice, bob, roomId } = await scene()
    const admin = await administrator(server)
    const lock = (locked: boolean) => admin.put(`/v1/admin/lock/${encodeURIComponent(bob.userId)}`, { locked })
    gateway.answer = () => ({ status: 502 })
    await alice.send(roomId, 'before')
    await gateway.count(1)
    await untilPausing(server)
    await lock(true)
    gateway.answer = () => ({})
    server.clock.advance(2 * SECOND_MS)
    await alice.send(roomId, 'meanwhile')
    await settled(server)
    expect(gateway.got).toHaveLength(1)
    await lock(false)
    await alice.send(roomId, 'after')
    await settled(server)
    expect(gateway.got.map(({ content }) => content.body)).toEqual(['before', 'after'])
  })

  it('wait for no gateway but their own, however many pushers name one that does not answer', async () => {
    const [silent, quick] = [await PushGateway.start(), await PushGateway.start()]
    silent.answer = () => new Promise(() => {})
    const server = await startServer({ config: reaching(silent, quick) })
    const [alice, bob, carol] = await server.client.registerAll('alice', 'bob', 'carol')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    await carol.join(roomId)
    for (let i = 0; i < 40; i++) await setPusher(bob, silent, { pushkey: `pusher ${i}` })
    await setPusher(carol, quick)
    const eventId = await alice.send(roomId, 'one')
    expect(await quick.count(1)).toMatchObject([{ event_id: eventId }])
  })

  it('go to no address of the house that the configuration does not allow', async () => {
    const gateway = await PushGateway.start()
    const { outbound } = reaching(gateway)
    const server = await startServer({ config: { outbound: { ...outbound, allow: [] } } })
    const { alice, roomId } = await twoIn(server, gateway)
    await alice.send(roomId, 'one')
    await server.server.services.pushFeed.idle()
    await untilPausing(server)
    expect(gateway.got).toEqual([])
  })
})

/** The last try has failed, and the next one waits for the clock. */
async function untilPausing({ server }: TestServer): Promise<void> {
  await expect.poll(() => server.services.pushSender.pausing).toBe(1)
}
