import { fdatasync, fdatasyncSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { takeBoth } from '../src/storage/counter.ts'
import { type DatabaseHooks, type Db, transact } from '../src/storage/db.ts'
import { rawRows, rawRun } from '../src/storage/run.ts'
import { freshDatabases } from './load/databases.ts'

/**
 * Transactions a second of what one message writes (six statements), by 100 senders in 100 rooms, none of whom waits
 * for another, and by a single one. On SQLite also with a disk that takes 5 ms a sync, and with the sync on the event loop, as
 * `synchronous=FULL` has it: the figures in `src/storage/sqlite/log-sync.ts`.
 */
const SENDERS = 100
const SECONDS = 5
const SLOW_MS = 5

const dataSync = promisify(fdatasync)
const JSON_TEXT = JSON.stringify({ type: 'm.room.message', content: { body: 'x'.repeat(100) }, rest: 'y'.repeat(500) })

/** Holds the event loop, as a slow disk does when the loop itself waits for it. */
const holdLoop = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

const DISKS: Record<string, DatabaseHooks> = {
  'this disk, sync in the thread pool': {},
  'this disk, sync on the loop': { sync: async (fd) => fdatasyncSync(fd) },
  '5 ms a sync, in the thread pool': {
    sync: async (fd) => {
      await sleep(SLOW_MS)
      await dataSync(fd)
    },
  },
  '5 ms a sync, on the loop': {
    sync: async (fd) => {
      holdLoop(SLOW_MS)
      fdatasyncSync(fd)
    },
  },
}

let written = 0
async function message(db: Db, room: number): Promise<void> {
  const n = ++written
  await transact(db, async (tx) => {
    await rawRows(
      tx,
      'select event_nid from transaction_id where device_nid = ? and room_nid = ? and path_crc = 1 and txn_id = ?',
      [room, room, `m${n}`],
    )
    const [last] = await rawRows<{ event_nid: number }>(tx, 'select event_nid from extremity where room_nid = ?', [
      room,
    ])
    const { pos, eventNid } = await takeBoth(tx, 1, 1)
    await rawRun(
      tx,
      `insert into event (nid, event_id, room_nid, pos, depth, type_nid, sender_nid, ts, kind, auth, auth_rank, state_nid, json)
       values (?, ?, ?, ?, ?, 1, ?, ?, 0, '[1,2,3]', 4, 1, ?)`,
      [eventNid, `$${n}-abcdefghijklmnopqrstuvwxyz0123456789`, room, pos, n, room, n, JSON_TEXT],
    )
    await rawRun(tx, 'update extremity set event_nid = ? where room_nid = ? and event_nid = ?', [
      eventNid,
      room,
      last?.event_nid ?? 0,
    ])
    await rawRun(
      tx,
      'insert into transaction_id (device_nid, room_nid, path_crc, txn_id, event_nid, created_ts) values (?, ?, 1, ?, ?, ?)',
      [room, room, `m${n}`, eventNid, n],
    )
  })
}

async function measure(db: Db, senders: number): Promise<string> {
  await transact(db, async (tx) => {
    for (let room = 1; room <= SENDERS; room++) {
      await rawRun(tx, 'insert into extremity (room_nid, event_nid) values (?, 0) on conflict do nothing', [room])
    }
  })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const waits: number[] = []
  const end = performance.now() + SECONDS * 1000
  const cpu = process.cpuUsage()
  await Promise.all(
    Array.from({ length: senders }, async (_, i) => {
      while (performance.now() < end) {
        const start = performance.now()
        await message(db, i + 1)
        waits.push(performance.now() - start)
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  delay.disable()
  waits.sort((a, b) => a - b)
  const at = (share: number) => (waits[Math.floor(waits.length * share)] ?? 0).toFixed(2)
  return (
    `${Math.round(waits.length / SECONDS)}/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
    `CPU ${((user + system) / 1000 / waits.length).toFixed(3)} ms each, loop delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`
  )
}

for (const [disk, hooks] of Object.entries(DISKS)) {
  for await (const { kind, db } of freshDatabases(hooks)) {
    if (kind === 'postgres' && disk !== Object.keys(DISKS)[0]) continue
    for (const senders of [SENDERS, 1]) {
      const figures = await measure(db, senders)
      process.stdout.write(`${kind}, ${kind === 'sqlite' ? disk : 'its own sync'}, ${senders} senders: ${figures}\n`)
    }
  }
}
