import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun, valueLists } from '../run.ts'

/** What was uploaded: by one user or, under `EVERYBODY`, by all; on one day or, under `IN_ALL`, what is left of it all. */
export interface MediaUse {
  readonly userNid: number
  /** Days since 1970 (UTC). */
  readonly day: number
  readonly files: number
  readonly bytes: number
}

export const EVERYBODY = 0
export const IN_ALL = 0

const COLUMNS = 'user_nid as "userNid", day, files, bytes'

/** What a user and all together have uploaded, on this day and in all. What is left out is nothing. */
export async function listMediaUse(db: Db, userNid: number, day: number): Promise<MediaUse[]> {
  const sql = `select ${COLUMNS} from media_use where user_nid in (?, ?) and day in (?, ?)`
  return (await rawRows<MediaUse>(db, sql, [userNid, EVERYBODY, day, IN_ALL])).map(numbers)
}

/** Counts an upload; returns what there is then. */
export const countUpload = (tx: Tx, userNid: number, day: number, bytes: number): Promise<MediaUse[]> =>
  add(
    tx,
    [EVERYBODY, userNid].flatMap((nid) => [IN_ALL, day].map((at) => ({ userNid: nid, day: at, files: 1, bytes }))),
  )

/** Uploads were deleted: they no longer count, except on the day when they were uploaded. */
export async function discountUploads(
  tx: Tx,
  deleted: readonly { readonly userNid: number | null; readonly bytes: number | null }[],
): Promise<void> {
  const uses = new Map<number, MediaUse>()
  const take = (userNid: number, bytes: number) => {
    const before = uses.get(userNid)
    uses.set(userNid, { userNid, day: IN_ALL, files: (before?.files ?? 0) - 1, bytes: (before?.bytes ?? 0) - bytes })
  }
  for (const { userNid, bytes } of deleted) {
    if (userNid === null || bytes === null) continue // a copy, or announced only: was never counted
    take(EVERYBODY, Number(bytes))
    take(userNid, Number(bytes))
  }
  await add(tx, [...uses.values()])
}

/** Forgets the days before `day`; returns how many rows, up to `limit`. */
export const deleteMediaUse = (tx: Tx, day: number, limit: number): Promise<number> =>
  rawRun(
    tx,
    `delete from media_use where (user_nid, day) in
       (select user_nid, day from media_use where day > ${IN_ALL} and day < ? order by day limit ?)`,
    [day, limit],
  )

/** In one order, so that two transactions never wait for each other. */
async function add(tx: Tx, uses: readonly MediaUse[]): Promise<MediaUse[]> {
  if (uses.length === 0) return []
  const ordered = uses.toSorted((a, b) => a.userNid - b.userNid || a.day - b.day)
  const sql = `insert into media_use (user_nid, day, files, bytes) values ${valueLists(uses.length, 4)}
     on conflict (user_nid, day) do update set
       files = media_use.files + excluded.files, bytes = media_use.bytes + excluded.bytes
     returning ${COLUMNS}`
  const params = ordered.flatMap(({ userNid, day, files, bytes }) => [userNid, day, files, bytes])
  return (await rawRows<MediaUse>(tx, sql, params)).map(numbers)
}

const numbers = ({ userNid, day, files, bytes }: MediaUse): MediaUse => ({
  userNid: Number(userNid),
  day: Number(day),
  files: Number(files),
  bytes: Number(bytes),
})
