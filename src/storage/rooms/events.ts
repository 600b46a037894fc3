import type { RoomId } from '../../matrix/ids.ts'
import { chunks } from '../../util/chunks.ts'
import { Turn } from '../../util/turn.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { type Param, places, rawRows, rawRun } from '../run.ts'

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
export async function insertEvents(tx: Tx, rows: readonly EventRow[]): Promise<void> {
  await insertRows(
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

/** Timeline events of all rooms that a user is joined to which arrived in `(after, upTo]`, oldest first. */
export const listArrivedOfUser = (
  db: Db,
  userNid: number,
  after: number,
  upTo: number,
  limit: number,
): Promise<(EventRow & { room_id: RoomId })[]> =>
  selectEvents<{ room_id: RoomId }>(
    db,
    `from membership m join room o on o.nid = m.room_nid join event e on e.room_nid = m.room_nid
     where m.user_nid = ? and m.membership = 'join' and e.pos > ? and e.pos <= ? and e.kind = 0 order by e.pos limit ?`,
    [userNid, after, upTo, limit],
    'o.room_id',
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

/**
 * The depth of the deepest event that had arrived by a position, among the room's `limit` deepest; undefined: none of
 * them had. The index alone answers.
 */
export async function findDepthBy(db: Db, roomNid: number, pos: number, limit: number): Promise<number | undefined> {
  const sql = `select max(depth) as depth from
    (select depth, pos from event where room_nid = ? and pos is not null order by depth desc, pos desc limit ?) as deepest
    where pos <= ?`
  return (await rawRows<{ depth: number | null }>(db, sql, [roomNid, limit, pos]))[0]?.depth ?? undefined
}

/** Timeline events after `from` (exclusive) in room order, earliest first. */
export const listAfter = (db: Db, roomNid: number, from: RoomPlace, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and (depth, pos) > (?, ?) and kind = 0 and pos is not null
     order by depth, pos limit ?`,
    [roomNid, from.depth, from.pos, limit],
  )

/** Timeline events by origin_server_ts: from a time on (inclusive), or backwards; at one time in room order. */
export const listByTime = (
  db: Db,
  roomNid: number,
  ts: number,
  backward: boolean,
  limit: number,
): Promise<EventRow[]> => {
  const [comparison, order] = backward ? ['<=', 'desc'] : ['>=', 'asc']
  return rawRows<EventRow>(
    db,
    `select ${COLUMNS} from event where room_nid = ? and ts ${comparison} ? and kind = 0 and pos is not null
     order by ts ${order}, depth ${order}, pos ${order} limit ?`,
    [roomNid, ts, limit],
  )
}

/**
 * Takes their ids from events that are about to be stored anew. The old rows stay, because positions of the past name
 * them; nobody finds them by an id any more.
 */
export async function supersede(tx: Tx, nids: readonly number[]): Promise<void> {
  await runIn(tx, "update event set event_id = event_id || ' ' || nid where nid in", nids)
}

/** Gives stored events another standing, now that more is known of them: an outlier comes into the timeline. */
export async function updateStandings(tx: Tx, rows: readonly EventRow[]): Promise<void> {
  for (const row of rows) {
    await rawRun(
      tx,
      'update event set kind = ?, pos = ?, state_nid = ?, reason = ?, redacted_by_nid = ? where nid = ?',
      [row.kind, row.pos, row.state_nid, row.reason, row.redacted_by_nid, row.nid],
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

/** Redactions that wait for one of these events. */
export const listPendingRedactions = (
  db: Db,
  redactsIds: readonly string[],
): Promise<(EventRow & { redacts_id: string })[]> =>
  selectEvents<{ redacts_id: string }>(
    db,
    `from redaction r join event e on e.nid = r.event_nid where r.redacts_id in (${places(redactsIds.length)})`,
    redactsIds,
    'r.redacts_id',
  )

export async function deletePendingRedactions(tx: Tx, redactsIds: readonly string[]): Promise<void> {
  await rawRun(tx, `delete from redaction where redacts_id in (${places(redactsIds.length)})`, redactsIds)
}

/** Marks an event as redacted; the stored text stays, what clients see is pruned. The first redaction counts. */
export async function updateRedactedBy(tx: Tx, nid: number, redactionNid: number): Promise<void> {
  await rawRun(tx, 'update event set redacted_by_nid = ? where nid = ? and redacted_by_nid is null', [
    redactionNid,
    nid,
  ])
}

/** Takes back what a redaction did: it does not count. */
export async function updateNotRedactedBy(tx: Tx, redactsId: string, redactionNid: number): Promise<void> {
  const params = [redactsId, redactionNid]
  await rawRun(tx, 'update event set redacted_by_nid = null where event_id = ? and redacted_by_nid = ?', params)
  await rawRun(tx, 'delete from redaction where redacts_id = ? and event_nid = ?', params)
}

/** Remembers a redaction whose target is not here yet. */
export async function insertPendingRedaction(tx: Tx, redactsId: string, redactionNid: number): Promise<void> {
  await rawRun(tx, 'insert into redaction (redacts_id, event_nid) values (?, ?)', [redactsId, redactionNid])
}
