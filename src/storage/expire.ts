import { type Db, type Tx, transact } from './db.ts'

/** Rows of one transaction: others wait no longer for it than for a write of their own. */
const PIECE_ROWS = 500

/** Deletes piece by piece, each in a transaction of its own; `deletePiece` returns how many rows it found, up to `limit`. */
export async function deleteInPieces(db: Db, deletePiece: (tx: Tx, limit: number) => Promise<number>): Promise<void> {
  for (let found = PIECE_ROWS; found >= PIECE_ROWS; ) found = await transact(db, (tx) => deletePiece(tx, PIECE_ROWS))
}
