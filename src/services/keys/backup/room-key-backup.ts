import { MatrixError, notFound } from '../../../matrix/errors.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { deleteInPieces } from '../../../storage/expire.ts'
import * as store from '../../../storage/keys/backed-up-keys.ts'
import { type KeyBackup, updateCount } from '../../../storage/keys/key-backups.ts'
import { Turn } from '../../../util/turn.ts'
import { backupText, roomText } from './backup-text.ts'
import { type KeyBackups, lockCurrent } from './key-backups.ts'
import { isBetter, type RoomKeys, rowsOf, textOf } from './room-key.ts'

interface Deps {
  readonly db: Db
  readonly backups: KeyBackups
}

/** Keys of one transaction, or of one read. */
const PIECE = 500
/** Of one backup. A busy user has some ten thousand sessions after years. */
const MAX_KEYS = 500_000

/** What a client compares to see whether others changed the backup. */
export interface BackupState {
  readonly etag: string
  readonly count: number
}

/** The keys in users' backups (spec: Server-side key backups). */
export class RoomKeyBackup {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Stores keys in the current version, each unless the one that is there is better. Throws `M_NOT_FOUND`,
   * `M_WRONG_ROOM_KEYS_VERSION` and `M_RESOURCE_LIMIT_EXCEEDED`.
   */
  async put(userNid: number, version: string, keys: RoomKeys): Promise<BackupState> {
    const { db, backups } = this.#deps
    const rows = rowsOf(keys)
    for (let i = 0; i === 0 || i < rows.length; i += PIECE) {
      const part = rows.slice(i, i + PIECE)
      await transact(db, async (tx) => {
        const backup = await lockCurrent(tx, userNid, version)
        const place = { userNid, version: backup.version }
        const stored = new Map((await store.findBackedUpKeys(tx, place, part)).map((row) => [nameOf(row), row]))
        const better = part.filter((row) => {
          const before = stored.get(nameOf(row))
          return before === undefined || isBetter(row, before)
        })
        if (better.length === 0) return
        const added = better.filter((row) => !stored.has(nameOf(row))).length
        if (backup.count + added > MAX_KEYS) {
          throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'The backup is full', { status: 403 })
        }
        await store.upsertBackedUpKeys(tx, place, better)
        await updateCount(tx, userNid, backup.version, added)
      })
    }
    return stateOf(await backups.get(userNid, version))
  }

  /** One key, as JSON text. Throws `M_NOT_FOUND`. */
  async key(userNid: number, version: string, roomId: string, sessionId: string): Promise<string> {
    const place = { userNid, version: (await this.#deps.backups.get(userNid, version)).version, roomId, sessionId }
    const [row] = await store.listBackedUpKeys(this.#deps.db, place, undefined, 1)
    if (!row) throw notFound('There is no key of this session in the backup')
    return textOf(row)
  }

  /** `{ sessions }` of a room, as JSON text that is read as it is sent. Throws `M_NOT_FOUND`: no such backup. */
  async keysOfRoom(userNid: number, version: string, roomId: string): Promise<AsyncIterable<string>> {
    const backup = await this.#deps.backups.get(userNid, version)
    return roomText(this.#pages({ userNid, version: backup.version, roomId }))
  }

  /** `{ rooms: { roomId: { sessions } } }`, as JSON text that is read as it is sent. Throws `M_NOT_FOUND`. */
  async keys(userNid: number, version: string): Promise<AsyncIterable<string>> {
    const backup = await this.#deps.backups.get(userNid, version)
    return backupText(this.#pages({ userNid, version: backup.version }))
  }

  /** Deletes the keys of the whole backup, of a room, or of one session. Throws `M_NOT_FOUND`. */
  async delete(userNid: number, version: string, roomId?: string, sessionId?: string): Promise<BackupState> {
    const { db, backups } = this.#deps
    const { version: number } = await backups.get(userNid, version)
    await deleteInPieces(db, async (tx, limit) => {
      const deleted = await store.deleteBackedUpKeys(tx, { userNid, version: number, roomId, sessionId }, limit)
      if (deleted > 0) await updateCount(tx, userNid, number, -deleted)
      return deleted
    })
    return stateOf(await backups.get(userNid, version))
  }

  /** The keys in order of room and session. The order lets pages be written behind each other. */
  async *#pages(place: store.KeyPlace): AsyncGenerator<readonly store.BackedUpKeyRow[]> {
    const turn = new Turn()
    for (let last: store.BackedUpKeyRow | undefined, isFull = true; isFull; ) {
      const rows = await store.listBackedUpKeys(this.#deps.db, place, last, PIECE)
      if (rows.length > 0) yield rows
      last = rows.at(-1)
      isFull = rows.length === PIECE
      if (turn.isOver) await turn.give()
    }
  }
}

const nameOf = ({ room_id, session_id }: store.BackedUpKeyRow): string => JSON.stringify([room_id, session_id])

const stateOf = ({ etag, count }: KeyBackup): BackupState => ({ etag: String(etag), count })
