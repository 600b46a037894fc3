import type { Db, Tx } from '../db.ts'
import { insertRows } from '../many.ts'
import { type Param, rawRows, rawRun, valuesOf } from '../run.ts'

/** One key of a backup. `session_data`: JSON text. */
export interface BackedUpKeyRow {
  room_id: string
  session_id: string
  first_message_index: number
  forwarded_count: number
  /** 0 or 1. */
  is_verified: number
  session_data: string
}

const COLUMNS = 'room_id, session_id, first_message_index, forwarded_count, is_verified, session_data'

/** A backup, or what of it belongs to one room or is one session. */
export interface KeyPlace {
  readonly userNid: number
  readonly version: number
  readonly roomId?: string | undefined
  readonly sessionId?: string | undefined
}

function condition({ userNid, version, roomId, sessionId }: KeyPlace): { sql: string; params: Param[] } {
  const parts = ['user_nid = ? and version = ?']
  const params: Param[] = [userNid, version]
  if (roomId !== undefined) {
    parts.push('room_id = ?')
    params.push(roomId)
  }
  if (sessionId !== undefined) {
    parts.push('session_id = ?')
    params.push(sessionId)
  }
  return { sql: parts.join(' and '), params }
}

/** Up to `limit` keys behind `after`, in order of room and session. */
export async function listBackedUpKeys(
  db: Db,
  place: KeyPlace,
  after: Pick<BackedUpKeyRow, 'room_id' | 'session_id'> | undefined,
  limit: number,
): Promise<BackedUpKeyRow[]> {
  const { sql, params } = condition(place)
  const behind = after ? ' and (room_id, session_id) > (?, ?)' : ''
  if (after) params.push(after.room_id, after.session_id)
  return rawRows<BackedUpKeyRow>(
    db,
    `select ${COLUMNS} from key_backup_session where ${sql}${behind} order by room_id, session_id limit ?`,
    [...params, limit],
  )
}

/** The stored ones for the sessions of these keys. */
export async function findBackedUpKeys(
  tx: Tx,
  { userNid, version }: KeyPlace,
  keys: readonly BackedUpKeyRow[],
): Promise<BackedUpKeyRow[]> {
  if (keys.length === 0) return []
  return rawRows<BackedUpKeyRow>(
    tx,
    `select ${COLUMNS} from key_backup_session
     where user_nid = ? and version = ? and (room_id, session_id) in (${valuesOf(keys.length, 'text', 'text')})`,
    [userNid, version, ...keys.flatMap(({ room_id, session_id }) => [room_id, session_id])],
  )
}

export async function upsertBackedUpKeys(
  tx: Tx,
  { userNid, version }: KeyPlace,
  keys: readonly BackedUpKeyRow[],
): Promise<void> {
  await insertRows(
    tx,
    `key_backup_session (user_nid, version, ${COLUMNS})`,
    keys.map((key) => [
      userNid,
      version,
      key.room_id,
      key.session_id,
      key.first_message_index,
      key.forwarded_count,
      key.is_verified,
      key.session_data,
    ]),
    `on conflict (user_nid, version, room_id, session_id) do update set
       first_message_index = excluded.first_message_index, forwarded_count = excluded.forwarded_count,
       is_verified = excluded.is_verified, session_data = excluded.session_data`,
  )
}

/** Deletes up to `limit` keys; returns how many. */
export async function deleteBackedUpKeys(tx: Tx, place: KeyPlace, limit: number): Promise<number> {
  const { sql, params } = condition(place)
  return rawRun(
    tx,
    `delete from key_backup_session where (user_nid, version, room_id, session_id) in
       (select user_nid, version, room_id, session_id from key_backup_session where ${sql} limit ?)`,
    [...params, limit],
  )
}
