import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

export async function findFilter(db: Db, userNid: number, filterId: number): Promise<string | undefined> {
  const rows = await rawRows<{ content: string }>(
    db,
    'select content from filter where user_nid = ? and filter_id = ?',
    [userNid, filterId],
  )
  return rows[0]?.content
}

/** The id under which this user stored the same filter before. */
export async function findFilterId(db: Db, userNid: number, digest: string): Promise<number | undefined> {
  const rows = await rawRows<{ filter_id: number }>(
    db,
    'select filter_id from filter where user_nid = ? and digest = ?',
    [userNid, digest],
  )
  return rows[0]?.filter_id
}

/** Stores a filter under the user's next id; does nothing when another request was faster: look again. */
export async function insertFilter(tx: Tx, userNid: number, digest: string, content: string): Promise<void> {
  await rawRun(
    tx,
    `insert into filter (user_nid, filter_id, digest, content)
     select ?, coalesce(max(filter_id), 0) + 1, ?, ? from filter where user_nid = ?
     on conflict do nothing`,
    [userNid, digest, content, userNid],
  )
}

export async function countFilters(db: Db, userNid: number): Promise<number> {
  const rows = await rawRows<{ n: number }>(db, 'select count(*) as n from filter where user_nid = ?', [userNid])
  return rows[0]?.n ?? 0
}
