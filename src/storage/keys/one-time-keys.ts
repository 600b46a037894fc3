import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn } from '../many.ts'
import { places, rawRows, rawRun, valuesOf } from '../run.ts'

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

export const listUnusedFallbacks = (db: Db, deviceNid: number): Promise<{ algorithm: string }[]> =>
  rawRows(db, 'select algorithm from fallback_key where device_nid = ? and used = 0 order by algorithm', [deviceNid])

export interface Wish {
  readonly deviceNid: number
  readonly algorithm: string
}

interface ClaimedRow extends KeyRow {
  device_nid: number
}

const pairs = (wishes: readonly Wish[]) => valuesOf(wishes.length, 'bigint', 'text')
const paramsOf = (wishes: readonly Wish[]) => wishes.flatMap(({ deviceNid, algorithm }) => [deviceNid, algorithm])

/** Takes the oldest key of each wish; a key is given out once. The devices' rows are held, so that claims take turns. */
export async function takeOneTimeKeys(tx: Tx, wishes: readonly Wish[]): Promise<ClaimedRow[]> {
  if (wishes.length === 0) return []
  const devices = wishes.map(({ deviceNid }) => deviceNid)
  await rawRun(tx, `update device set user_nid = user_nid where nid in (${places(devices.length)})`, devices)
  return rawRows<ClaimedRow>(
    tx,
    `delete from one_time_key where nid in (select min(nid) from one_time_key
       where (device_nid, algorithm) in (${pairs(wishes)}) group by device_nid, algorithm)
     returning device_nid, algorithm, key_id, json`,
    paramsOf(wishes),
  )
}

/** Gives out the fallback keys of these wishes and marks them used. */
export async function useFallbackKeys(tx: Tx, wishes: readonly Wish[]): Promise<ClaimedRow[]> {
  if (wishes.length === 0) return []
  return rawRows<ClaimedRow>(
    tx,
    `update fallback_key set used = 1 where (device_nid, algorithm) in (${pairs(wishes)})
     returning device_nid, algorithm, key_id, json`,
    paramsOf(wishes),
  )
}
