import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** One field of a profile; `value` is JSON text. */
export interface ProfileField {
  readonly field: string
  readonly value: string
}

/** The profile of a user of this server, in order of its fields. */
export const listFields = (db: Db, userNid: number): Promise<ProfileField[]> =>
  rawRows<ProfileField>(db, 'select field, value from profile where user_nid = ? order by field', [userNid])

export async function upsertField(tx: Tx, userNid: number, field: string, value: string): Promise<void> {
  await rawRun(
    tx,
    `insert into profile (user_nid, field, value) values (?, ?, ?)
     on conflict (user_nid, field) do update set value = excluded.value`,
    [userNid, field, value],
  )
}

/** Whether there was such a field. */
export async function deleteField(tx: Tx, userNid: number, field: string): Promise<boolean> {
  return (await rawRun(tx, 'delete from profile where user_nid = ? and field = ?', [userNid, field])) === 1
}

/** Deletes a whole profile. */
export async function deleteProfile(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from profile where user_nid = ?', [userNid])
}
