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
import { rawRows } from '../../../src/storage/run.ts'
import { FakeClock } from '../../support/clock.ts'
import { withDatabases } from '../../support/databases.ts'

const ALICE = '@alice:a.example'
const BOB = '@bob:a.example'
/** So many wait for a device at most, beside those that came since somebody looked. */
const MAX_WAITING = 10_000
const LOOKED_EVERY = 100

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
  beforeEach(async () => {
    db = await open()
    toDevice = new ToDevice({
      db,
      clock: new FakeClock(),
      stream: new Stream(db, 0),
      hub: new Hub(),
      sender: {} as Sender,
      serverName: 'a.example',
      newMessageId: () => 'id',
    })
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

  it('are refused where so many devices would get so large a one', async () => {
    for (let i = 0; i < 150; i++) await deviceOf(BOB, `B${i}`)
    await send(BOB, { text: 'x'.repeat(10_000) })
    await expect(send(BOB, { text: 'x'.repeat(60_000) })).rejects.toMatchObject({ errcode: 'M_TOO_LARGE' })
  })
})
