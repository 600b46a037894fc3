import type { Db, Tx } from '../db.ts'
import { insertRows } from '../many.ts'
import { rawRows, rawRun } from '../run.ts'

/** Has the index of texts look at these events once more. `was_at`: their place in the stream until now, if they had one. */
export async function insertSearchAgain(
  tx: Tx,
  rows: readonly { readonly event_nid: number; readonly was_at: number | null }[],
): Promise<void> {
  await insertRows(
    tx,
    'search_again (event_nid, was_at)',
    rows.map((row) => [row.event_nid, row.was_at]),
  )
}

/** The index has seen the rows up to this one. */
export async function deleteSearchAgain(tx: Tx, upTo: number): Promise<void> {
  await rawRun(tx, 'delete from search_again where id <= ?', [upTo])
}

export async function deleteAllSearchAgain(tx: Tx): Promise<void> {
  await rawRun(tx, 'delete from search_again', [])
}

/** Whether the index is to look at anything once more. */
export async function hasSearchAgain(db: Db): Promise<boolean> {
  return (await rawRows(db, 'select 1 as found from search_again limit 1', [])).length > 0
}
