import type { Db, Tx } from '../db.ts'
import { places, rawRows, rawRun } from '../run.ts'

/** Where notifications of a user go; the columns are explained in the migration. */
export interface PusherRow {
  nid: number
  user_nid: number
  device_nid: number
  app_id: string
  pushkey: string
  app_display_name: string
  device_display_name: string
  profile_tag: string | null
  lang: string
  /** JSON text. */
  data: string
  enabled: number
  pushkey_ts: number
  since_pos: number
}

/** A pusher as it is listed. */
export interface ShownPusherRow extends PusherRow {
  device_id: string
}

const WRITTEN = [
  'user_nid',
  'device_nid',
  'app_id',
  'pushkey',
  'app_display_name',
  'device_display_name',
  'profile_tag',
  'lang',
  'data',
  'enabled',
  'pushkey_ts',
  'since_pos',
] as const satisfies readonly (keyof PusherRow)[]

export const listPushers = (db: Db, userNid: number): Promise<ShownPusherRow[]> =>
  rawRows(
    db,
    `select p.nid, ${WRITTEN.map((name) => `p.${name}`).join(', ')}, d.device_id
     from pusher p join device d on d.nid = p.device_nid where p.user_nid = ? order by p.nid`,
    [userNid],
  )

export async function countOtherPushers(tx: Tx, userNid: number, appId: string, pushkey: string): Promise<number> {
  const sql = 'select count(*) as count from pusher where user_nid = ? and not (app_id = ? and pushkey = ?)'
  const [row] = await rawRows<{ count: number }>(tx, sql, [userNid, appId, pushkey])
  return Number(row?.count ?? 0)
}

/**
 * Sets a pusher. One that exists keeps its device, because one device may switch another's on and off (MSC3881), and is
 * tried again at once; one that comes back from being switched off is told of nothing that came meanwhile, but of the
 * count, which may be another one now.
 */
export async function upsertPusher(tx: Tx, row: Omit<PusherRow, 'nid'>): Promise<number> {
  const [set] = await rawRows<{ nid: number }>(
    tx,
    `insert into pusher (${WRITTEN.join(', ')}) values (${WRITTEN.map(() => '?').join(', ')})
     on conflict (app_id, pushkey, user_nid) do update set app_display_name = excluded.app_display_name,
       device_display_name = excluded.device_display_name, profile_tag = excluded.profile_tag, lang = excluded.lang,
       data = excluded.data, pushkey_ts = excluded.pushkey_ts, failures = 0, retry_at = 0,
       since_pos = case when pusher.enabled = 1 then pusher.since_pos else excluded.since_pos end,
       badge_due = case when pusher.enabled = 1 then pusher.badge_due else pusher.badge_due + 1 end,
       enabled = excluded.enabled
     returning nid`,
    WRITTEN.map((name) => row[name]),
  )
  if (!set) throw new Error('A pusher was neither inserted nor found')
  return set.nid
}

/** Deletes the pusher that a user has for a pushkey, with what waits for it. */
export const deletePusher = (tx: Tx, userNid: number, appId: string, pushkey: string): Promise<void> =>
  deleteWhere(tx, 'app_id = ? and pushkey = ? and user_nid = ?', [appId, pushkey, userNid])

/** Deletes the pushers that others have for a pushkey: the device has changed hands. */
export const deletePushersOfOthers = (tx: Tx, userNid: number, appId: string, pushkey: string): Promise<void> =>
  deleteWhere(tx, 'app_id = ? and pushkey = ? and user_nid <> ?', [appId, pushkey, userNid])

export const deletePushersOfDevices = (tx: Tx, deviceNids: readonly number[]): Promise<void> =>
  deleteWhere(tx, `device_nid in (${places(deviceNids.length)})`, deviceNids)

async function deleteWhere(tx: Tx, condition: string, params: readonly (string | number)[]): Promise<void> {
  await rawRun(tx, `delete from push_queue where pusher_nid in (select nid from pusher where ${condition})`, params)
  await rawRun(tx, `delete from pusher where ${condition}`, params)
}
