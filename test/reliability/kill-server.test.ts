import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/storage/db.ts'
import { rawRows } from '../../src/storage/run.ts'
import { loadState } from '../../src/storage/state/state.ts'
import { Client } from '../support/client.ts'
import { rounds, timeoutMs } from './length.ts'
import { serverHome } from './server-process.ts'
import { Talker } from './talker.ts'

const SENDERS = 12
const ROOMS = 4
const MAX_LIFE_MS = 600

/** What the database holds: the text of every event, by its id, and what is wrong. */
function readEvents(path: string): { texts: Map<string, string>; damage: string[] } {
  const database = new Database(path)
  try {
    const integrity = database.pragma('integrity_check') as { integrity_check: string }[]
    const damage = integrity.map((row) => row.integrity_check).filter((line) => line !== 'ok')
    const rows = database.prepare('select event_id, json from event').all() as { event_id: string; json: string }[]
    const count = (sql: string) => (database.prepare(sql).get() as { n: number }).n
    const checks: Record<string, string> = {
      'events beyond the counter': 'select count(*) as n from event, counter where event.pos > counter.pos',
      'entries of the state without their event':
        'select count(*) as n from current_state s left join event e on e.nid = s.event_nid where e.nid is null',
      'rooms without an extremity':
        'select count(*) as n from room r where not exists (select 1 from extremity x join event e on e.nid = x.event_nid where x.room_nid = r.nid)',
    }
    for (const [what, sql] of Object.entries(checks)) if (count(sql) > 0) damage.push(`${count(sql)} ${what}`)
    return { texts: new Map(rows.map((row) => [row.event_id, JSON.parse(row.json).content.body])), damage }
  } finally {
    database.close()
  }
}

/** Rooms whose shared state differs from the flat table. */
async function tornStates(path: string): Promise<number[]> {
  const db = await openDatabase({ kind: 'sqlite', path })
  try {
    const torn: number[] = []
    const rooms = await rawRows<{ nid: number; state_nid: number | null }>(db, 'select nid, state_nid from room')
    for (const room of rooms) {
      const shared = room.state_nid === null ? [] : await loadState(db, room.state_nid)
      const flat = await rawRows(
        db,
        `select type_nid as "typeNid", key_nid as "keyNid", event_nid as "eventNid" from current_state
         where room_nid = ? order by type_nid, key_nid`,
        [room.nid],
      )
      if (JSON.stringify(shared) !== JSON.stringify(flat)) torn.push(room.nid)
    }
    return torn
  } finally {
    await db.destroy()
  }
}

describe('kill -9 of a server under load', () => {
  it(
    'keeps every acknowledged event exactly once, and a repeated request makes no second one',
    async () => {
      const home = await serverHome()
      let server = await home.start()
      const client = new Client(home.url)
      const users = await Promise.all(Array.from({ length: SENDERS }, (_, i) => client.register(`user${i}`)))
      const roomIds = await Promise.all(
        users.slice(0, ROOMS).map(async (user) => {
          const { room_id } = await user.post('/v3/createRoom', {
            preset: 'public_chat',
            power_level_content_override: { state_default: 0 },
          })
          return room_id as string
        }),
      )
      const senders = await Promise.all(
        users.map(async (user, i) => {
          const roomId = roomIds[i % ROOMS] ?? ''
          await user.post(`/v3/join/${encodeURIComponent(roomId)}`)
          return new Talker(user, roomId)
        }),
      )
      for (const round of rounds(4)) {
        if (round > 0) server = await home.start()
        const talking = senders.map((sender) => sender.talk())
        // At any moment: this is what the test is about.
        await sleep(100 + Math.random() * MAX_LIFE_MS)
        await server.kill()
        await Promise.all(talking)

        const { texts, damage } = readEvents(home.databasePath)
        expect(damage).toEqual([])
        expect(await tornStates(home.databasePath)).toEqual([])
        const said = [...texts.values()].filter((text) => text?.includes(' says '))
        expect(said.length).toBe(new Set(said).size)
        for (const sender of senders) {
          const lost = [...sender.acknowledged].filter(([eventId, text]) => texts.get(eventId) !== text)
          expect(lost).toEqual([])
        }
      }
      expect(senders.every((sender) => sender.acknowledged.size > 0)).toBe(true)
    },
    timeoutMs,
  )
})
