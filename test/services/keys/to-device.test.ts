import fc from 'fast-check'
import { beforeEach, expect, it } from 'vitest'
import type { Sender } from '../../../src/federation/sending/sender.ts'
import type { JsonObject } from '../../../src/matrix/json.ts'
import { Hub } from '../../../src/services/hub.ts'
import { ToDevice } from '../../../src/services/keys/to-device.ts'
import { Stream } from '../../../src/services/stream.ts'
import { upsertDevice } from '../../../src/storage/accounts/devices.ts'
import { takeBoth } from '../../../src/storage/counter.ts'
import { type Db, transact } from '../../../src/storage/db.ts'
import { insertRows } from '../../../src/storage/many.ts'
import { internName } from '../../../src/storage/names.ts'
import { rawRows, rawRun } from '../../../src/storage/run.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:a.example'
/** So many wait for a device at most, beside those that came since somebody looked. */
const MAX_WAITING = 10_000
const LOOKED_EVERY = 100

/** The next position that nobody has. */
const takePositions = (db: Db) => transact(db, (tx) => takeBoth(tx, 1, 0))

withDatabases('messages to devices', (open) => {
  let db: Db
  let toDevice: ToDevice
  let count = 0
  const send = (to: typeof ALICE | typeof BOB, content: JsonObject) =>
    toDevice.receiveFrom('b.example', {
      sender: '@eve:b.example',
      type: 'm.test',
      messageId: `m${++count}`,
      messages: new Map([[to, new Map([['*', content]])]]),
    })
  const deviceOf = (userId: string, deviceId: string) =>
    transact(db, async (tx) =>
      upsertDevice(tx, { userNid: await internName(tx, userId), deviceId, displayName: undefined }),
    )
  /** As it is after a start. */
  const start = (current = 0) =>
    new ToDevice({
      db,
      clock: new FakeClock(),
      stream: new Stream(db, current),
      hub: new Hub(),
      sender: {} as Sender,
      serverName: 'a.example',
      newMessageId: () => 'id',
    })
  beforeEach(async () => {
    db = await open()
    toDevice = start()
  })

  it('wait in bounded number, however they are mixed with those for others', async () => {
    await deviceOf(ALICE, 'A')
    const bob = await deviceOf(BOB, 'B')
    await send(ALICE, {})
    for (let i = 1; i < LOOKED_EVERY; i++) await send(BOB, {})
    await transact(db, async (tx) => {
      const { pos } = await takeBoth(tx, MAX_WAITING, 0)
      const row = (i: number) => [bob, pos + i, '{}']
      await insertRows(
        tx,
        'to_device (device_nid, pos, json)',
        Array.from({ length: MAX_WAITING }, (_, i) => row(i)),
      )
    })
    await send(ALICE, {})
    await send(BOB, {})
    const { events } = await toDevice.receive(bob, undefined, Number.MAX_SAFE_INTEGER, 2 * MAX_WAITING)
    expect(events.length).toBeLessThanOrEqual(MAX_WAITING + 1)
  })

  it('are deleted once the device has said that they arrived', async () => {
    const alice = await deviceOf(ALICE, 'A')
    const bob = await deviceOf(BOB, 'B')
    const waiting = async () =>
      (await rawRows<{ device_nid: number }>(db, 'select device_nid from to_device order by device_nid')).map(
        ({ device_nid: nid }) => nid,
      )
    await send(ALICE, { n: 1 })
    await send(BOB, { n: 2 })
    const first = await toDevice.receive(alice, 0, 1, 100)
    expect(first.events).toHaveLength(1)
    await send(ALICE, { n: 3 })
    await toDevice.deleteArrived()
    expect(await waiting()).toEqual([alice, alice, bob])

    // The next token says so; what came meanwhile is given, and stays.
    const second = await toDevice.receive(alice, first.end, 3, 100)
    expect(second.events).toEqual([expect.stringContaining('"n":3')])
    await toDevice.deleteArrived()
    expect(await waiting()).toEqual([alice, bob])
    await toDevice.receive(alice, second.end, 3, 100)
    await toDevice.deleteArrived()
    expect(await waiting()).toEqual([bob])
  })

  it('come in order, until it is known that they arrived, whatever has been deleted, forgotten or asked for again', async () => {
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ is: fc.constant('send' as const), times: fc.integer({ min: 1, max: 60 }) }) },
      { weight: 4, arbitrary: fc.record({ is: fc.constant('sync' as const), limit: fc.integer({ min: 1, max: 70 }) }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom({ is: 'lose' as const }, { is: 'delete' as const }, { is: 'start' as const }),
      },
    )
    const once = { is: 'send', times: 1 } as const
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const device = await deviceOf(BOB, `B${run++}`)
        const position = async () => (await takePositions(db)).pos
        const sent: { pos: number; n: number }[] = []
        let token = await position()
        toDevice = start(token)
        for (const one of steps) {
          if (one.is === 'send') {
            for (let i = 0; i < one.times; i++) {
              await send(BOB, { n: sent.length })
              sent.push({ pos: (await position()) - 1, n: sent.length })
            }
          } else if (one.is === 'delete') await toDevice.deleteArrived()
          else if (one.is === 'start') toDevice = start(await position())
          else {
            const upTo = await position()
            const limit = one.is === 'sync' ? one.limit : 1
            const { events, end } = await toDevice.receive(device, token, upTo, limit)
            const waiting = sent.filter(({ pos }) => pos > token).slice(0, limit)
            expect(events.map((text) => JSON.parse(text).content.n)).toEqual(waiting.map(({ n }) => n))
            // A client whose answer was lost asks again with the token it had.
            if (one.is === 'sync') token = end
          }
        }
      }),
      { numRuns: 25, examples: [[[once, { is: 'start' }, once, { is: 'sync', limit: 10 }]]] },
    )
  })

  it('are not for the device to which somebody else hands them on', async () => {
    const bob = await deviceOf(BOB, 'B')
    toDevice.onStored(async (tx) => {
      await rawRun(tx, 'delete from to_device', [])
      return [bob]
    })
    await send(BOB, {})
    expect((await toDevice.receive(bob, 0, Number.MAX_SAFE_INTEGER, 10)).events).toEqual([])
  })

  it('are refused where so many devices would get so large a one', async () => {
    for (let i = 0; i < 150; i++) await deviceOf(BOB, `B${i}`)
    await send(BOB, { text: 'x'.repeat(10_000) })
    await expect(send(BOB, { text: 'x'.repeat(60_000) })).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' })
  })
})
