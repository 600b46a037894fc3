import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { rawRows, valuesOf } from '../run.ts'

export interface KeyRow {
  algorithm: string
  key_id: string
  json: string
}

/** The stored ones among these ids, to see whether an upload repeats or contradicts them. */
export const findOneTimeKeys = (db: Db, deviceNid: number, keyIds: readonly string[]): Promise<KeyRow[]> =>
  rowsIn(db, 'select algorithm, key_id, json from one_time_key where device_nid = ? and key_id in', keyIds, [deviceNid])

export async function insertOneTimeKeys(tx: Tx, deviceNid: number, keys: readonly KeyRow[]): Promise<void> {
  await insertRows(
    tx,
    'one_time_key (device_nid, algorithm, key_id, json)',
    keys.map(({ algorithm, key_id, json }) => [deviceNid, algorithm, key_id, json]),
  )
}

/** Replaces the fallback keys of these algorithms; one that is uploaded again stays as used as it was. */
export async function upsertFallbackKeys(tx: Tx, deviceNid: number, keys: readonly KeyRow[]): Promise<void> {
  await insertRows(
    tx,
    'fallback_key (device_nid, algorithm, key_id, json)',
    keys.map(({ algorithm, key_id, json }) => [deviceNid, algorithm, key_id, json]),
    `on conflict (device_nid, algorithm) do update set key_id = excluded.key_id, json = excluded.json,
       used = case when fallback_key.key_id = excluded.key_id and fallback_key.json = excluded.json
         then fallback_key.used else 0 end`,
  )
}

/** How many one-time keys of each algorithm the device has left. */
export const countOneTimeKeys = (db: Db, deviceNid: number): Promise<{ algorithm: string; count: number }[]> =>
  rawRows(db, 'select algorithm, count(*) as count from one_time_key where device_nid = ? group by algorithm', [
    deviceNid,
  ])

/** How many fallback keys the device has, used ones too. */
export async function countFallbackKeys(db: Db, deviceNid: number): Promise<number> {
  const sql = 'select count(*) as count from fallback_key where device_nid = ?'
  return (await rawRows<{ count: number }>(db, sql, [deviceNid]))[0]?.count ?? 0
}

export const listUnusedFallbacks = (db: Db, deviceNid: number): Promise<{ algorithm: string }[]> =>
  rawRows(db, 'select algorithm from fallback_key where device_nid = ? and used = 0 order by algorithm', [deviceNid])

export interface Wish {
  readonly deviceNid: number
  readonly algorithm: string
}

interface ClaimedRow extends KeyRow {
  device_nid: number
}

/** Wishes of one statement. */
const MAX_WISHES = 500

/** Takes the oldest key of each wish; a key is given out once. The devices' rows are held, so that claims take turns. */
export async function takeOneTimeKeys(tx: Tx, wishes: readonly Wish[]): Promise<ClaimedRow[]> {
  // In order, so that two claims do not wait for each other in a circle.
  const devices = wishes.map(({ deviceNid }) => deviceNid).toSorted((a, b) => a - b)
  await runIn(tx, 'update device set user_nid = user_nid where nid in', devices)
  return claimedRows(
    tx,
    wishes,
    (pairs) => `delete from one_time_key where nid in (select min(nid) from one_time_key
       where (device_nid, algorithm) in (${pairs}) group by device_nid, algorithm)
     returning device_nid, algorithm, key_id, json`,
  )
}

/** Gives out the fallback keys of these wishes and marks them used. */
export const useFallbackKeys = (tx: Tx, wishes: readonly Wish[]): Promise<ClaimedRow[]> =>
  claimedRows(
    tx,
    wishes,
    (pairs) => `update fallback_key set used = 1 where (device_nid, algorithm) in (${pairs})
     returning device_nid, algorithm, key_id, json`,
  )

async function claimedRows(
  tx: Tx,
  wishes: readonly Wish[],
  statement: (pairs: string) => string,
): Promise<ClaimedRow[]> {
  const rows: ClaimedRow[] = []
  for (const part of chunks(wishes, MAX_WISHES)) {
    const params = part.flatMap(({ deviceNid, algorithm }) => [deviceNid, algorithm])
    rows.push(...(await rawRows<ClaimedRow>(tx, statement(valuesOf(part.length, 'bigint', 'text')), params)))
  }
  return rows
}
