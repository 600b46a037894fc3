import { type Db, type Tx, transact } from './db.ts'
import { rawRun } from './run.ts'

/**
 * Rows of one transaction: others wait no longer for it than for a write of their own. What is old has long left the memory
 * of the machine, and is all over the file: 500 rows took 4 ms where it had not, and 80 to 400 ms where it had.
 */
const PIECE_ROWS = 50

/** Deletes piece by piece, each in a transaction of its own; `deletePiece` returns how many rows it found, up to `limit`. */
export async function deleteInPieces(db: Db, deletePiece: (tx: Tx, limit: number) => Promise<number>): Promise<void> {
  for (let found = PIECE_ROWS; found >= PIECE_ROWS; ) found = await transact(db, (tx) => deletePiece(tx, PIECE_ROWS))
}

/**
 * Makes the function that deletes up to `limit` rows from before a time, oldest first, and returns how many there were.
 * `key`: the columns of the table's key; `at`: the column of the time.
 */
export const deletionBefore =
  (table: string, key: string, at: string) =>
  (tx: Tx, before: number, limit: number): Promise<number> =>
    rawRun(
      tx,
      `delete from ${table} where (${key}) in (select ${key} from ${table} where ${at} < ? order by ${at} limit ?)`,
      [before, limit],
    )
