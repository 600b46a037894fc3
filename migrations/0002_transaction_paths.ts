import { crc32 } from 'node:zlib'
import { type Kysely, sql } from 'kysely'
import type { Columns } from '../src/storage/dialect.ts'

/**
 * Transaction ids belong to the path of their request, too. `path_crc`: CRC-32 of that path after the room, without the id
 * (`txnAt`). What is there is taken for sent by the path of its event's type, so that a client that repeats a message across
 * the update is given the first one.
 */
export async function up(db: Kysely<unknown>, c: Columns): Promise<void> {
  await db.schema
    .createTable('transaction_id_by_path')
    .addColumn('device_nid', 'bigint', (col) => col.notNull())
    .addColumn('room_nid', 'bigint', (col) => col.notNull())
    .addColumn('path_crc', 'bigint', (col) => col.notNull())
    .addColumn('txn_id', 'text', (col) => col.notNull())
    .addColumn('event_nid', 'bigint', (col) => col.notNull())
    .addColumn('created_ts', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('transaction_id_by_path_pk', ['device_nid', 'room_nid', 'path_crc', 'txn_id'])
    .modifyEnd(c.clustered)
    .execute()
  const { rows: types } = await sql<{ nid: number; text: string }>`
    select nid, text from name where nid in
      (select e.type_nid from transaction_id t join event e on e.nid = t.event_nid)`.execute(db)
  for (const { nid, text } of types) {
    await sql`
      insert into transaction_id_by_path (device_nid, room_nid, path_crc, txn_id, event_nid, created_ts)
      select t.device_nid, t.room_nid, cast(${crc32(`send/${text}`)} as bigint), t.txn_id, t.event_nid, t.created_ts
      from transaction_id t join event e on e.nid = t.event_nid where e.type_nid = ${nid}`.execute(db)
  }
  await db.schema.dropTable('transaction_id').execute()
  await db.schema.alterTable('transaction_id_by_path').renameTo('transaction_id').execute()
  await db.schema.createIndex('transaction_id_event').on('transaction_id').columns(['event_nid']).execute()
}
