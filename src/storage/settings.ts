import { type Db, type Tx, transact } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** The database belongs to a server of another name. */
export class ForeignDatabase extends Error {
  override readonly name = 'ForeignDatabase'
}

/** Gives an empty database its server name for good; throws `ForeignDatabase` when it has another one. */
export async function claimServerName(db: Db, serverName: string): Promise<void> {
  const owner = (await findSetting(db, 'server_name')) ?? (await insertSetting(db, 'server_name', serverName))
  if (owner === serverName) return
  throw new ForeignDatabase(
    `The database belongs to the server ${owner}, and the configuration says server_name: ${serverName}. ` +
      'The name of a server can never change.',
  )
}

/** A fact that is kept beside the tables. */
export async function findSetting(db: Db, name: string): Promise<string | undefined> {
  const [row] = await rawRows<{ value: string }>(db, 'select value from setting where name = ?', [name])
  return row?.value
}

/** Returns the value that stands there afterwards: ours, or that of a process that was faster. */
const insertSetting = (db: Db, name: string, value: string): Promise<string | undefined> =>
  transact(db, async (tx) => {
    const sql =
      'insert into setting (name, value) values (?, ?) on conflict (name) do update set name = excluded.name returning value'
    const [row] = await rawRows<{ value: string }>(tx, sql, [name, value])
    return row?.value
  })

export async function upsertSetting(tx: Tx, name: string, value: string): Promise<void> {
  const sql = 'insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value'
  await rawRun(tx, sql, [name, value])
}
