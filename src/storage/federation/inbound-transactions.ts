import type { Db, Tx } from '../db.ts'
import { deletionBefore } from '../expire.ts'
import { rawRows, rawRun } from '../run.ts'

/** What a server's transaction was answered, as JSON text; undefined: it is new. */
export async function findInboundTransaction(db: Db, serverNid: number, txnId: string): Promise<string | undefined> {
  const sql = 'select answer from inbound_transaction where server_nid = ? and txn_id = ?'
  return (await rawRows<{ answer: string }>(db, sql, [serverNid, txnId]))[0]?.answer
}

export async function insertInboundTransaction(
  tx: Tx,
  row: { serverNid: number; txnId: string; answer: string; receivedTs: number },
): Promise<void> {
  await rawRun(
    tx,
    `insert into inbound_transaction (server_nid, txn_id, answer, received_ts) values (?, ?, ?, ?)
     on conflict (server_nid, txn_id) do nothing`,
    [row.serverNid, row.txnId, row.answer, row.receivedTs],
  )
}

/** Forgets transactions older than this; returns how many, at most `limit`. */
export const deleteInboundTransactionsBefore = deletionBefore(
  'inbound_transaction',
  'server_nid, txn_id',
  'received_ts',
)
