import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** A mail address of an account; other media may follow. */
export interface ThirdPartyId {
  readonly medium: string
  readonly address: string
  readonly validated_ts: number
  readonly added_ts: number
}

export const EMAIL = 'email'

export const listThirdPartyIds = (db: Db, userNid: number): Promise<ThirdPartyId[]> =>
  rawRows(
    db,
    `select medium, address, validated_ts, added_ts from third_party_id where user_nid = ?
     order by added_ts, medium, address`,
    [userNid],
  )

/** Whose address it is. */
export async function findEmailOwner(db: Db, address: string): Promise<number | undefined> {
  const sql = 'select user_nid from third_party_id where medium = ? and address = ?'
  return (await rawRows<{ user_nid: number }>(db, sql, [EMAIL, address]))[0]?.user_nid
}

/** Gives an account an address; `false` if it belongs to another account. */
export async function insertEmail(
  tx: Tx,
  userNid: number,
  email: { readonly address: string; readonly validatedTs: number; readonly addedTs: number },
): Promise<boolean> {
  const { address, validatedTs, addedTs } = email
  const written = await rawRun(
    tx,
    `insert into third_party_id (medium, address, user_nid, validated_ts, added_ts) values (?, ?, ?, ?, ?)
     on conflict (medium, address) do nothing`,
    [EMAIL, address, userNid, validatedTs, addedTs],
  )
  return written === 1 || (await findEmailOwner(tx, address)) === userNid
}

export async function deleteThirdPartyId(tx: Tx, userNid: number, medium: string, address: string): Promise<void> {
  const sql = 'delete from third_party_id where user_nid = ? and medium = ? and address = ?'
  await rawRun(tx, sql, [userNid, medium, address])
}

export async function deleteThirdPartyIds(tx: Tx, userNid: number): Promise<void> {
  await rawRun(tx, 'delete from third_party_id where user_nid = ?', [userNid])
}
