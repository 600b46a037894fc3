import type { RoomId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { rowsIn } from '../many.ts'
import { places, rawRows, rawRun } from '../run.ts'

export interface AliasRow {
  alias: string
  room_id: RoomId
  creator: string
}

/** A room in the directory of a network. `service`: the id of the application service that connects it. */
export interface NetworkRoom {
  room_nid: number
  service: string
  network: string
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

/** Those of these aliases that lead to this room. */
export async function aliasesLeadingTo(db: Db, roomId: string, aliases: readonly string[]): Promise<Set<string>> {
  const sql = 'select alias from alias where room_id = ? and alias in'
  const rows = await rowsIn<{ alias: string }>(db, sql, aliases, [roomId])
  return new Set(rows.map((row) => row.alias))
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
  await rawRun(tx, 'delete from alias where alias = ?', [alias])
}

/** Hands all aliases of a room on to its successor. */
export async function updateAliasRoom(tx: Tx, from: string, to: string): Promise<void> {
  await rawRun(tx, 'update alias set room_id = ? where room_id = ?', [to, from])
}

export async function updatePublished(tx: Tx, roomNid: number, isPublic: boolean): Promise<void> {
  await rawRun(tx, 'update room set is_public = ? where nid = ?', [isPublic ? 1 : 0, roomNid])
}

/** Lists a room in the directory of a network that an application service connects, or no longer. */
export async function updateNetworkRoom(tx: Tx, row: NetworkRoom, isPublic: boolean): Promise<void> {
  const sql = isPublic
    ? 'insert into network_room (room_nid, service, network) values (?, ?, ?) on conflict do nothing'
    : 'delete from network_room where room_nid = ? and service = ? and network = ?'
  await rawRun(tx, sql, [row.room_nid, row.service, row.network])
}

/** The networks in whose directories these rooms are. */
export const listNetworks = (db: Db, roomNids: readonly number[]): Promise<NetworkRoom[]> =>
  rowsIn(db, 'select room_nid, service, network from network_room where room_nid in', roomNids)

/** Numbers of the rooms that are in any directory. */
export async function listPublished(db: Db): Promise<number[]> {
  const sql = 'select nid from room where is_public = 1 union select room_nid as nid from network_room'
  return (await rawRows<{ nid: number }>(db, sql)).map((row) => row.nid)
}

/** Those of these rooms that are in any directory, with their current state events of these types (and empty keys). */
export const listPublishedState = (
  db: Db,
  roomNids: readonly number[],
  types: readonly string[],
): Promise<
  { room_nid: number; room_id: RoomId; version: string; is_public: number; redacted: number; json: string }[]
> =>
  rawRows(
    db,
    `select r.nid as room_nid, r.room_id, r.version, r.is_public, e.json,
       case when e.redacted_by_nid is null then 0 else 1 end as redacted
     from room r join current_state s on s.room_nid = r.nid join event e on e.nid = s.event_nid
     where (r.is_public = 1 or exists (select 1 from network_room n where n.room_nid = r.nid)) and r.nid in (${places(roomNids.length)})
       and s.type_nid in (select nid from name where text in (${places(types.length)}))
       and s.key_nid = (select nid from name where text = '')`,
    [...roomNids, ...types],
  )

/** Whether a room is published; undefined when there is no such room. */
export async function isPublished(db: Db, roomId: string): Promise<boolean | undefined> {
  const rows = await rawRows<{ is_public: number }>(db, 'select is_public from room where room_id = ?', [roomId])
  return rows[0] && rows[0].is_public === 1
}
