import type { Db, Tx } from './db.ts'
import { rawRows } from './run.ts'

export interface AliasRow {
  alias: string
  room_id: string
  creator: string
}

export async function findAlias(db: Db, alias: string): Promise<AliasRow | undefined> {
  return (await rawRows<AliasRow>(db, 'select alias, room_id, creator from alias where alias = ?', [alias]))[0]
}

export async function listAliases(db: Db, roomId: string): Promise<string[]> {
  const rows = await rawRows<{ alias: string }>(db, 'select alias from alias where room_id = ? order by alias', [
    roomId,
  ])
  return rows.map((row) => row.alias)
}

/** Takes an alias; false when somebody has it already. */
export async function insertAlias(tx: Tx, row: AliasRow): Promise<boolean> {
  const rows = await rawRows(
    tx,
    'insert into alias (alias, room_id, creator) values (?, ?, ?) on conflict (alias) do nothing returning alias',
    [row.alias, row.room_id, row.creator],
  )
  return rows.length > 0
}

export async function deleteAlias(tx: Tx, alias: string): Promise<void> {
  await rawRows(tx, 'delete from alias where alias = ?', [alias])
}

/** Hands all aliases of a room on to its successor. */
export async function updateAliasRoom(tx: Tx, from: string, to: string): Promise<void> {
  await rawRows(tx, 'update alias set room_id = ? where room_id = ?', [to, from])
}

export async function updatePublished(tx: Tx, roomNid: number, isPublic: boolean): Promise<void> {
  await rawRows(tx, 'update room set is_public = ? where nid = ?', [isPublic ? 1 : 0, roomNid])
}

/** Published rooms with the number of joined members, largest first, then by room number. */
export const listPublished = (db: Db): Promise<{ nid: number; room_id: string; joined: number }[]> =>
  rawRows(
    db,
    `select r.nid, r.room_id,
       (select count(*) from membership m where m.room_nid = r.nid and m.membership = 'join') as joined
     from room r where r.is_public = 1 order by joined desc, r.nid`,
    [],
  )

/** Whether a room is published; undefined when there is no such room. */
export async function isPublished(db: Db, roomId: string): Promise<boolean | undefined> {
  const rows = await rawRows<{ is_public: number }>(db, 'select is_public from room where room_id = ?', [roomId])
  return rows[0] && rows[0].is_public === 1
}
