import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { rowsIn, sendRows } from '../many.ts'
import { type Param, rawRows, rawSend } from '../run.ts'
import { EVENT_COLUMNS, type EventRow } from './events.ts'

const STATE_EVENT = `select ${EVENT_COLUMNS} from current_state s join event e on e.nid = s.event_nid`

/** SQLite takes no more than a thousand alternatives. */
const MAX_KEYS = 200

/** A place in a room's state. */
export interface StateKey {
  typeNid: number
  keyNid: number
}

/** The current state events at these places, in no order; a place without one is left out. */
export async function listCurrentStateAt(db: Db, roomNid: number, keys: readonly StateKey[]): Promise<EventRow[]> {
  const rows: EventRow[] = []
  for (const part of chunks(keys, MAX_KEYS)) {
    const sql = `${STATE_EVENT} where ${part.map(() => '(s.room_nid = ? and s.type_nid = ? and s.key_nid = ?)').join(' or ')}`
    const params = part.flatMap(({ typeNid, keyNid }) => [roomNid, typeNid, keyNid])
    rows.push(...(await rawRows<EventRow>(db, sql, params)))
  }
  return rows
}

/** A page of the current state, ordered by (type, key); pass the last row's nids to go on. */
export const listCurrentState = (db: Db, roomNid: number, after: StateKey, limit: number): Promise<EventRow[]> =>
  rawRows<EventRow>(
    db,
    `${STATE_EVENT} where s.room_nid = ? and (s.type_nid, s.key_nid) > (?, ?) order by s.type_nid, s.key_nid limit ?`,
    [roomNid, after.typeNid, after.keyNid, limit],
  )

/** The current state events of one type (all state keys). */
export const listCurrentStateOfType = (db: Db, roomNid: number, typeNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid = ?`, [roomNid, typeNid])

/** The same for several types at once. */
export const listCurrentStateOfTypes = (db: Db, roomNid: number, typeNids: readonly number[]): Promise<EventRow[]> =>
  rowsIn(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid in`, typeNids, [roomNid])

/** One content-bearing entry of the current state, in many rooms. */
export interface RoomStateRow {
  room_nid: number
  json: string
  redacted_by_nid: number | null
}

/** The current state events of one type and key in these rooms. */
export const listCurrentStateOfRooms = (
  db: Db,
  roomNids: readonly number[],
  { typeNid, keyNid }: StateKey,
): Promise<RoomStateRow[]> =>
  rowsIn(
    db,
    `select s.room_nid, e.json, e.redacted_by_nid from current_state s join event e on e.nid = s.event_nid
     where s.type_nid = ? and s.key_nid = ? and s.room_nid in`,
    roomNids,
    [typeNid, keyNid],
  )

/** The current state without members, which are the only part of it that grows with the room's use. */
export const listCurrentStateExcept = (db: Db, roomNid: number, typeNid: number): Promise<EventRow[]> =>
  rawRows<EventRow>(db, `${STATE_EVENT} where s.room_nid = ? and s.type_nid <> ?`, [roomNid, typeNid])

/** One change of the current state, whatever its cause: what `/sync`, the directory and other servers derive from. */
export interface StateChange {
  pos: number
  type_nid: number
  key_nid: number
  /** null: the entry went away. */
  event_nid: number | null
  prev_event_nid: number | null
}

/** The changes of a room's state in (`after`, `upTo`], in their order. */
export const listStateChanges = (db: Db, roomNid: number, after: number, upTo: number): Promise<StateChange[]> =>
  rawRows<StateChange>(
    db,
    `select pos, type_nid, key_nid, event_nid, prev_event_nid from state_change
     where room_nid = ? and pos > ? and pos <= ? order by pos`,
    [roomNid, after, upTo],
  )

/** Position of the newest change of a room's state; 0: none yet. */
export async function lastStateChange(db: Db, roomNid: number): Promise<number> {
  const sql = 'select max(pos) as pos from state_change where room_nid = ?'
  return (await rawRows<{ pos: number | null }>(db, sql, [roomNid]))[0]?.pos ?? 0
}

/**
 * Writes changes of current states in their order: the flat table and the `state_change` rows, together. What changes a
 * second time at a position of the past, because only now all is known of it, has changed once.
 */
export function changeCurrentState(tx: Tx, changes: readonly (StateChange & { room_nid: number })[]): void {
  const final = new Map<string, (typeof changes)[number]>()
  for (const change of changes) final.set(`${change.room_nid} ${change.type_nid} ${change.key_nid}`, change)
  const set: Param[][] = []
  for (const { room_nid, type_nid, key_nid, event_nid } of final.values()) {
    if (event_nid !== null) set.push([room_nid, type_nid, key_nid, event_nid])
    else {
      rawSend(tx, 'delete from current_state where room_nid = ? and type_nid = ? and key_nid = ?', [
        room_nid,
        type_nid,
        key_nid,
      ])
    }
  }
  sendRows(
    tx,
    'current_state (room_nid, type_nid, key_nid, event_nid)',
    set,
    'on conflict (room_nid, type_nid, key_nid) do update set event_nid = excluded.event_nid',
  )
  sendRows(
    tx,
    'state_change (pos, room_nid, type_nid, key_nid, event_nid, prev_event_nid)',
    changes.map((c) => [c.pos, c.room_nid, c.type_nid, c.key_nid, c.event_nid, c.prev_event_nid]),
    'on conflict (room_nid, pos, type_nid, key_nid) do update set event_nid = excluded.event_nid',
  )
}
