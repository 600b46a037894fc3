import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import { encryptedPair, sendTo } from '../../support/encryption.ts'
import { FakeServer } from '../../support/fake-server.ts'
import { pair, until } from '../../support/federated.ts'
import { World } from '../../support/servers.ts'

/** The numbers of the messages that wait for a device. */
const waiting = async (user: User): Promise<number[]> =>
  ((await user.get('/v3/sync')).to_device?.events ?? []).map(({ content }: { content: { n: number } }) => content.n)

describe('Messages to devices of other servers', () => {
  it('arrive, at one device or all, once for each transaction id', async () => {
    const { alice, bob, two } = await pair()
    const tablet = await two.client.login('bob')
    await sendTo(alice, bob.userId, '*', { n: 1 }, 't1')
    await sendTo(alice, bob.userId, '*', { n: 1 }, 't1')
    await sendTo(alice, bob.userId, bob.deviceId, { n: 2 }, 't2')
    await until(
      () => waiting(bob),
      (numbers) => numbers.includes(2),
    )
    expect(await waiting(bob)).toEqual([1, 2])
    expect(await waiting(tablet)).toEqual([1])
    const [event] = (await bob.sync()).to_device.events
    expect(event).toEqual({ type: 'm.test', sender: alice.userId, content: { n: 1 } })
  })

  it('are refused when one is larger than an event may be', async () => {
    const { alice, bob } = await pair()
    const messages = { [bob.userId]: { '*': { text: 'x'.repeat(70_000) } } }
    expect(await alice.request('PUT', '/v3/sendToDevice/m.test/t1', { messages })).toMatchObject({
      status: 413,
      body: { errcode: 'M_TOO_LARGE' },
    })
  })

  it('are split so that no server refuses them', async () => {
    const world = await World.create()
    const one = await world.start('one.test')
    const fake = await FakeServer.start(world, 'fake.test')
    const sent: { content: { message_id: string; messages: Record<string, Record<string, object>> } }[] = []
    fake.otherwise = ({ body }) => {
      sent.push(...JSON.parse(body).edus)
      return { body: { pdus: {} } }
    }
    const alice = await one.client.register('alice')
    const devices = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`D${i}`, { text: 'x'.repeat(5_000) }]))
    await alice.put('/v3/sendToDevice/m.test/t1', { messages: { '@bob:fake.test': devices } })
    const arrived = () => sent.flatMap(({ content }) => Object.keys(content.messages['@bob:fake.test'] ?? {}))
    await expect.poll(() => arrived().length).toBe(60)
    expect(new Set(arrived()).size).toBe(60)
    expect(new Set(sent.map(({ content }) => content.message_id)).size).toBe(sent.length)
    for (const edu of sent) expect(JSON.stringify(edu).length).toBeLessThanOrEqual(65_536)
    expect(sent.length).toBeLessThanOrEqual(6)
  })
})

describe('Messages from devices of other servers', () => {
  async function stranger() {
    const world = await World.create()
    const one = await world.start('one.test')
    const fake = await FakeServer.start(world, 'fake.test')
    const alice = await one.client.register('alice')
    let txn = 0
    const send = (content: object, to = one) =>
      fake.ask(to, 'PUT', `/_matrix/federation/v1/send/t${++txn}`, {
        content: JSON.parse(
          JSON.stringify({
            origin: 'fake.test',
            origin_server_ts: 1,
            pdus: [],
            edus: [{ edu_type: 'm.direct_to_device', content }],
          }),
        ),
      })
    const message = (n: number, fields: object = {}) => ({
      sender: '@mallory:fake.test',
      type: 'm.test',
      message_id: `m${n}`,
      messages: { [alice.userId]: { [alice.deviceId]: { n } } },
      ...fields,
    })
    return { world, one, fake, alice, send, message }
  }

  it('arrive once, however often they are sent, also after a restart', async () => {
    const { one, alice, send, message } = await stranger()
    await send(message(1))
    await send(message(1))
    expect(await waiting(alice)).toEqual([1])
    const again = await one.restart()
    await send(message(1), again)
    await send(message(2), again)
    expect(await waiting(alice.at(again))).toEqual([1, 2])
  })

  it('are not taken in the name of others, for others, or in another form', async () => {
    const { alice, send, message } = await stranger()
    await send(message(1, { sender: '@bob:one.test' }))
    await send(message(2, { sender: 'mallory' }))
    await send(message(3, { message_id: 5 }))
    await send(message(4, { type: '' }))
    await send(message(5, { messages: [] }))
    await send(message(6, { messages: { [alice.userId]: { [alice.deviceId]: 'text' } } }))
    await send(message(7, { messages: { '@nobody:one.test': { '*': {} }, '@a:two.test': { '*': {} } } }))
    await send(message(8, { messages: { [alice.userId]: { '*': { text: 'x'.repeat(70_000) } } } }))
    await send(message(9))
    expect(await waiting(alice)).toEqual([9])
  })
})

describe('Messages between devices', () => {
  it('are there before the event that came with them', async () => {
    const { world, one, two, alice, bob, roomId } = await encryptedPair()
    world.network.cut(two.address)
    await alice.send(roomId, 'needs the key')
    await sendTo(alice, bob.userId, '*', { n: 1 }, 't1')
    await one.restart()
    world.network.mend(two.address)
    await bob.sync()
    world.clock.advance(3_600_000)
    const seen = await until(
      () => bob.sync({ timeout: '1000' }),
      ({ rooms, to_device }) => to_device !== undefined || rooms?.join?.[roomId] !== undefined,
    )
    expect(seen.to_device?.events).toHaveLength(1)
  })
})
