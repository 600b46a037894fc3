import type { Db, Tx } from './db.ts'
import { runIn } from './many.ts'
import { rawRows, rawRun } from './run.ts'

/** `room_nid` 0 is global. `content` is JSON text. */
export interface AccountDataRow {
  room_nid: number
  type: string
  content: string
  pos: number
}

/** Everything that a user changed after `after`, up to `upTo`; 0 for `after` gives all of it. */
export const listAccountData = (db: Db, userNid: number, after: number, upTo: number): Promise<AccountDataRow[]> =>
  rawRows<AccountDataRow>(
    db,
    'select room_nid, type, content, pos from account_data where user_nid = ? and pos > ? and pos <= ? order by pos',
    [userNid, after, upTo],
  )

/** What a user has stored about one room (0: globally). */
export const listAccountDataOfRoom = (db: Db, userNid: number, roomNid: number): Promise<AccountDataRow[]> =>
  rawRows<AccountDataRow>(
    db,
    'select room_nid, type, content, pos from account_data where user_nid = ? and room_nid = ?',
    [userNid, roomNid],
  )

/** What a user has stored under one type, globally and for rooms. */
export const listAccountDataOfType = (db: Db, userNid: number, type: string): Promise<AccountDataRow[]> =>
  rawRows<AccountDataRow>(db, 'select room_nid, type, content, pos from account_data where user_nid = ? and type = ?', [
    userNid,
    type,
  ])

export async function findAccountData(
  db: Db,
  userNid: number,
  roomNid: number,
  type: string,
): Promise<string | undefined> {
  const rows = await rawRows<{ content: string }>(
    db,
    'select content from account_data where user_nid = ? and room_nid = ? and type = ?',
    [userNid, roomNid, type],
  )
  return rows[0]?.content
}

/** How much a user has stored beside this. */
export async function sumAccountData(
  db: Db,
  userNid: number,
  roomNid: number,
  type: string,
): Promise<{ entries: number; characters: number }> {
  const [sum] = await rawRows<{ entries: number; characters: number }>(
    db,
    `select count(*) as entries, coalesce(sum(length(content)), 0) as characters from account_data
     where user_nid = ? and not (room_nid = ? and type = ?)`,
    [userNid, roomNid, type],
  )
  return sum ?? { entries: 0, characters: 0 }
}

export async function upsertAccountData(tx: Tx, userNid: number, row: AccountDataRow): Promise<void> {
  await rawRun(
    tx,
    `insert into account_data (user_nid, room_nid, type, content, pos) values (?, ?, ?, ?, ?)
     on conflict (user_nid, room_nid, type) do update set content = excluded.content, pos = excluded.pos`,
    [userNid, row.room_nid, row.type, row.content, row.pos],
  )
}

/** Forgets what a user stored globally under these types. */
export async function deleteAccountData(tx: Tx, userNid: number, types: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from account_data where user_nid = ? and room_nid = 0 and type in', types, [userNid])
}
