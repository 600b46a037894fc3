import type { Db, Tx } from './db.ts'
import { type Param, rawRows } from './run.ts'

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

const COLUMNS =
  'nid, event_id, room_nid, pos, depth, type_nid, sender_nid, key_nid, ts, kind, auth, auth_rank, state_nid, redacted_by_nid, reason, json'
const PLACES = '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
const CHUNK = 500

const valuesOf = (row: EventRow): Param[] => [
  row.nid,
  row.event_id,
  row.room_nid,
  row.pos,
  row.depth,
  row.type_nid,
  row.sender_nid,
  row.key_nid,
  row.ts,
  row.kind,
  row.auth,
  row.auth_rank,
  row.state_nid,
  row.redacted_by_nid,
  row.reason,
  row.json,
]

/** Inserts events. Called by the one door alone (`services/rooms/append.ts`). */
export async function insertEvents(tx: Tx, rows: readonly EventRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += 100) {
    const part = rows.slice(start, start + 100)
    const places = Array(part.length).fill(PLACES).join(', ')
    await rawRows(tx, `insert into event (${COLUMNS}) values ${places}`, part.flatMap(valuesOf))
  }
}

/** Appends `in (…)` lists in chunks and concatenates the answers. */
async function selectIn<V extends string | number>(db: Db, where: string, values: readonly V[]): Promise<EventRow[]> {
  const rows: EventRow[] = []
  for (let start = 0; start < values.length; start += CHUNK) {
    const part = values.slice(start, start + CHUNK)
    const places = part.map(() => '?').join(', ')
    rows.push(...(await rawRows<EventRow>(db, `select ${COLUMNS} from event where ${where} in (${places})`, part)))
  }
  return rows
}

export const eventsByNid = (db: Db, nids: readonly number[]): Promise<EventRow[]> => selectIn(db, 'nid', nids)
export const eventsById = (db: Db, ids: readonly string[]): Promise<EventRow[]> => selectIn(db, 'event_id', ids)

export async function findEvent(db: Db, eventId: string): Promise<EventRow | undefined> {
  return (await rawRows<EventRow>(db, `select ${COLUMNS} from event where event_id = ?`, [eventId]))[0]
}

/** The newest timeline events of a room by arrival, newest first; `before` is exclusive. */
export const listNewest = (db: Db, roomNid: number, before: number, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and pos < ? and pos > 0 and kind = 0 order by pos desc limit ?`,
    [roomNid, before, limit],
  )

/** Timeline events that arrived in `(after, upTo]`, oldest first. */
export const listArrived = (db: Db, roomNid: number, after: number, upTo: number, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and pos > ? and pos <= ? and kind = 0 order by pos limit ?`,
    [roomNid, after, upTo, limit],
  )

/** A place in room order: (depth, pos). */
export interface RoomPlace {
  depth: number
  pos: number
}

/** Timeline events before `from` (exclusive) in room order, latest first. */
export const listBefore = (db: Db, roomNid: number, from: RoomPlace, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and (depth, pos) < (?, ?) and kind = 0 and pos is not null
     order by depth desc, pos desc limit ?`,
    [roomNid, from.depth, from.pos, limit],
  )

/** Timeline events after `from` (exclusive) in room order, earliest first. */
export const listAfter = (db: Db, roomNid: number, from: RoomPlace, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and (depth, pos) > (?, ?) and kind = 0 and pos is not null
     order by depth, pos limit ?`,
    [roomNid, from.depth, from.pos, limit],
  )

/** Marks events as redacted; the stored text stays, what clients see is pruned. */
export async function updateRedactedBy(tx: Tx, nid: number, redactionNid: number): Promise<void> {
  await rawRows(tx, 'update event set redacted_by_nid = ? where nid = ? and redacted_by_nid is null', [
    redactionNid,
    nid,
  ])
}

export interface RelationRow {
  parent_id: string
  event_nid: number
  room_nid: number
  rel_type_nid: number
  type_nid: number
  sender_nid: number
  agg_key: string | null
}

export async function insertRelation(tx: Tx, row: RelationRow): Promise<void> {
  await rawRows(
    tx,
    'insert into relation (parent_id, event_nid, room_nid, rel_type_nid, type_nid, sender_nid, agg_key) values (?, ?, ?, ?, ?, ?, ?)',
    [row.parent_id, row.event_nid, row.room_nid, row.rel_type_nid, row.type_nid, row.sender_nid, row.agg_key],
  )
}

/** Whether this sender already annotated the event with this key (and it was not redacted). */
export async function hasAnnotation(
  db: Db,
  parentId: string,
  senderNid: number,
  typeNid: number,
  key: string,
): Promise<boolean> {
  const rows = await rawRows(
    db,
    `select 1 from relation r join event e on e.nid = r.event_nid
     where r.parent_id = ? and r.sender_nid = ? and r.type_nid = ? and r.agg_key = ? and e.redacted_by_nid is null limit 1`,
    [parentId, senderNid, typeNid, key],
  )
  return rows.length > 0
}

export async function findTransaction(
  db: Db,
  deviceNid: number,
  roomNid: number,
  txnId: string,
): Promise<string | undefined> {
  const rows = await rawRows<{ event_id: string }>(
    db,
    `select e.event_id from transaction_id t join event e on e.nid = t.event_nid
     where t.device_nid = ? and t.room_nid = ? and t.txn_id = ?`,
    [deviceNid, roomNid, txnId],
  )
  return rows[0]?.event_id
}

export async function insertTransaction(
  tx: Tx,
  row: { deviceNid: number; roomNid: number; txnId: string; eventNid: number; createdTs: number },
): Promise<void> {
  await rawRows(
    tx,
    'insert into transaction_id (device_nid, room_nid, txn_id, event_nid, created_ts) values (?, ?, ?, ?, ?)',
    [row.deviceNid, row.roomNid, row.txnId, row.eventNid, row.createdTs],
  )
}

/** Transaction ids of these events for one device: event nid → transaction id (`unsigned.transaction_id`). */
export async function transactionIdsOf(
  db: Db,
  deviceNid: number,
  eventNids: readonly number[],
): Promise<Map<number, string>> {
  const found = new Map<number, string>()
  for (let start = 0; start < eventNids.length; start += CHUNK) {
    const part = eventNids.slice(start, start + CHUNK)
    const rows = await rawRows<{ event_nid: number; txn_id: string }>(
      db,
      `select event_nid, txn_id from transaction_id where event_nid in (${part.map(() => '?').join(', ')}) and device_nid = ?`,
      [...part, deviceNid],
    )
    for (const row of rows) found.set(row.event_nid, row.txn_id)
  }
  return found
}
