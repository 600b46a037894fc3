import { chunks } from '../../util/chunks.ts'
import { Turn } from '../../util/turn.ts'
import type { Db, Tx } from '../db.ts'
import { rowsIn, runIn, sendRows } from '../many.ts'
import { type Param, rawRows, rawRun, valuesOf } from '../run.ts'

/** `event.kind`: where an event stands. Only timeline events are shown to clients. */
export const EVENT_KIND = { timeline: 0, outlier: 1, rejected: 2, softFailed: 3 } as const
export type EventKind = (typeof EVENT_KIND)[keyof typeof EVENT_KIND]

/** One row of `event`; `json` is the federation format without event_id, exactly as hashed and signed. */
export interface EventRow {
  nid: number
  event_id: string
  room_nid: number
  pos: number | null
  depth: number
  type_nid: number
  sender_nid: number
  key_nid: number | null
  ts: number
  kind: number
  auth: string
  auth_rank: number
  state_nid: number | null
  redacted_by_nid: number | null
  reason: string | null
  json: string
}

const NAMES = [
  'nid',
  'event_id',
  'room_nid',
  'pos',
  'depth',
  'type_nid',
  'sender_nid',
  'key_nid',
  'ts',
  'kind',
  'auth',
  'auth_rank',
  'state_nid',
  'redacted_by_nid',
  'reason',
  'json',
] as const satisfies readonly (keyof EventRow)[]
const COLUMNS = NAMES.join(', ')
/** The columns of `event e`, for a query that joins it. */
export const EVENT_COLUMNS = NAMES.map((name) => `e.${name}`).join(', ')

/** Inserts events. Called by the one door alone (`services/rooms/append.ts`). */
export function sendEvents(tx: Tx, rows: readonly EventRow[]): void {
  sendRows(
    tx,
    `event (${COLUMNS})`,
    rows.map((row) => NAMES.map((name) => row[name])),
  )
}

/** Events found by a query that joins `event e`, with further columns of it. */
export const selectEvents = <Further = unknown>(
  db: Db,
  fromWhere: string,
  params: readonly Param[],
  further?: string,
): Promise<(EventRow & Further)[]> =>
  rawRows(db, `select ${EVENT_COLUMNS}${further === undefined ? '' : `, ${further}`} ${fromWhere}`, params)

export const eventsByNid = (db: Db, nids: readonly number[]): Promise<EventRow[]> =>
  rowsIn(db, `select ${COLUMNS} from event where nid in`, nids)

export const eventsById = (db: Db, ids: readonly string[]): Promise<EventRow[]> =>
  rowsIn(db, `select ${COLUMNS} from event where event_id in`, ids)

export async function findEvent(db: Db, eventId: string): Promise<EventRow | undefined> {
  return (await rawRows<EventRow>(db, `select ${COLUMNS} from event where event_id = ?`, [eventId]))[0]
}

/** Who sent the event; undefined: it is not here. */
export async function findSenderOf(db: Db, eventId: string): Promise<string | undefined> {
  const sql = 'select n.text as sender from event e join name n on n.nid = e.sender_nid where e.event_id = ?'
  return (await rawRows<{ sender: string }>(db, sql, [eventId]))[0]?.sender
}

/**
 * Takes their ids from events that are about to be stored anew. The old rows stay, because positions of the past name
 * them; nobody finds them by an id any more.
 */
export async function supersede(tx: Tx, nids: readonly number[]): Promise<void> {
  await runIn(tx, "update event set event_id = event_id || ' ' || nid where nid in", nids)
}

/** Events of one update: joined with 200 values, SQLite would look through the whole table instead. */
const MAX_UPDATED = 100

/** Gives stored events another standing, now that more is known of them: an outlier comes into the timeline. */
export async function updateStandings(tx: Tx, rows: readonly EventRow[]): Promise<void> {
  for (const part of chunks(rows, MAX_UPDATED)) {
    await rawRun(
      tx,
      `update event set kind = now.column2, pos = now.column3, state_nid = now.column4, redacted_by_nid = now.column5,
         reason = now.column6
       from (${valuesOf(part.length, 'bigint', 'bigint', 'bigint', 'bigint', 'bigint', 'text')}) as now
       where event.nid = now.column1`,
      part.flatMap((row) => [row.nid, row.kind, row.pos, row.state_nid, row.redacted_by_nid, row.reason]),
    )
  }
}

/** An event as state resolution walks through it: without its text. */
export type EventNode = Pick<EventRow, 'nid' | 'auth' | 'auth_rank' | 'type_nid' | 'key_nid'>

export const listEventNodes = (db: Db, nids: readonly number[]): Promise<EventNode[]> =>
  rowsIn(db, 'select nid, auth, auth_rank, type_nid, key_nid from event where nid in', nids)

/** Which of these ids are stored, and as what; without the texts. */
export type EventStub = Pick<EventRow, 'nid' | 'event_id' | 'room_nid' | 'kind' | 'type_nid' | 'key_nid' | 'state_nid'>

/** Stubs of one query. */
const MAX_STUBS = 500

/** Gives the turn back between its queries, so it is not for use within a transaction. */
export async function listEventStubs(db: Db, ids: readonly string[]): Promise<EventStub[]> {
  const rows: EventStub[] = []
  const turn = new Turn()
  for (const part of chunks(ids, MAX_STUBS)) {
    if (turn.isOver) await turn.give()
    const sql = 'select nid, event_id, room_nid, kind, type_nid, key_nid, state_nid from event where event_id in'
    rows.push(...(await rowsIn<EventStub>(db, sql, part)))
  }
  return rows
}

/** The ids of events. */
export async function listEventIds(db: Db, nids: readonly number[]): Promise<string[]> {
  const rows = await rowsIn<{ event_id: string }>(db, 'select event_id from event where nid in', nids)
  return rows.map((row) => row.event_id)
}
