import { MatrixError, notFound } from '../../../matrix/errors.ts'
import * as store from '../../../storage/backed-up-keys.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { deleteInPieces } from '../../../storage/expire.ts'
import { type KeyBackup, updateCount } from '../../../storage/key-backups.ts'
import { Turn } from '../../../util/turn.ts'
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

  /** `{ sessions }` of a room, as JSON text. Throws `M_NOT_FOUND` when there is no such backup. */
  async keysOfRoom(userNid: number, version: string, roomId: string): Promise<string> {
    return (await this.#roomTexts(userNid, version, roomId)).get(roomId) ?? '{"sessions":{}}'
  }

  /** `{ rooms: { roomId: { sessions } } }`, as JSON text. Throws `M_NOT_FOUND` when there is no such backup. */
  async keys(userNid: number, version: string): Promise<string> {
    const rooms = await this.#roomTexts(userNid, version, undefined)
    return `{"rooms":{${[...rooms].map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`).join(',')}}}`
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

  async #roomTexts(userNid: number, version: string, roomId: string | undefined): Promise<Map<string, string>> {
    const { db, backups } = this.#deps
    const place = { userNid, version: (await backups.get(userNid, version)).version, roomId }
    const sessions = new Map<string, string[]>()
    const turn = new Turn()
    for (let last: store.BackedUpKeyRow | undefined, isFull = true; isFull; ) {
      const rows = await store.listBackedUpKeys(db, place, last, PIECE)
      for (const row of rows) {
        const ofRoom = sessions.get(row.room_id) ?? []
        ofRoom.push(`${JSON.stringify(row.session_id)}:${textOf(row)}`)
        sessions.set(row.room_id, ofRoom)
      }
      last = rows.at(-1)
      isFull = rows.length === PIECE
      if (turn.isOver) await turn.give()
    }
    return new Map([...sessions].map(([id, texts]) => [id, `{"sessions":{${texts.join(',')}}}`]))
  }
}

const nameOf = ({ room_id, session_id }: store.BackedUpKeyRow): string => JSON.stringify([room_id, session_id])

const stateOf = ({ etag, count }: KeyBackup): BackupState => ({ etag: String(etag), count })
