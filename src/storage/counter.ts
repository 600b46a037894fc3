import type { Db, Tx } from './db.ts'
import { rawRows } from './run.ts'

interface CounterRow {
  pos: number
  event_nid: number
}

/**
 * Takes `positions` consecutive stream positions and `eventNids` event numbers and returns the first of each. The row
 * stays locked until the commit, which makes positions visible in their order: take them last, just before the inserts.
 */
export async function takeBoth(
  tx: Tx,
  positions: number,
  eventNids: number,
): Promise<{ pos: number; eventNid: number }> {
  const [row] = await rawRows<CounterRow>(
    tx,
    'update counter set pos = pos + ?, event_nid = event_nid + ? where id = 1 returning pos, event_nid',
    [positions, eventNids],
  )
  if (!row) throw new Error('The counter row is missing')
  return { pos: row.pos - positions + 1, eventNid: row.event_nid - eventNids + 1 }
}

/** Takes `positions` consecutive negative positions, below all that were taken before, and returns the lowest. */
export async function takeBack(tx: Tx, positions: number): Promise<number> {
  const sql = 'update counter set back_pos = back_pos - ? where id = 1 returning back_pos as pos'
  const [row] = await rawRows<{ pos: number }>(tx, sql, [positions])
  if (!row) throw new Error('The counter row is missing')
  return row.pos
}

/** The last stream position that was given out; 0 in a new database. */
export async function currentPosition(db: Db): Promise<number> {
  const [row] = await rawRows<CounterRow>(db, 'select pos, event_nid from counter where id = 1')
  return row?.pos ?? 0
}

/** The last event number that was given out; 0 in a new database. */
export async function currentEventNid(db: Db): Promise<number> {
  const [row] = await rawRows<CounterRow>(db, 'select pos, event_nid from counter where id = 1')
  return row?.event_nid ?? 0
}
