import { invalidParam, MatrixError, notFound, tooLarge } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { lockAccount } from '../../../storage/accounts/accounts.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import { deleteInPieces } from '../../../storage/expire.ts'
import * as store from '../../../storage/keys/key-backups.ts'

export type { KeyBackup } from '../../../storage/keys/key-backups.ts'

/** Clients delete the old version when they make a new one. */
const MAX_VERSIONS = 100
const MAX_AUTH_DATA_BYTES = 64 * 1024

/** How a backup is encrypted; the server understands nothing of it. */
export interface BackupForm {
  readonly algorithm: string
  readonly authData: JsonObject
}

/** The versions of users' backups of room keys (spec: Server-side key backups). */
export class KeyBackups {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** Makes a version, which is the current one then, and returns its number. Throws `M_RESOURCE_LIMIT_EXCEEDED`. */
  async create(userNid: number, { algorithm, authData }: BackupForm): Promise<string> {
    const text = authText(authData)
    const version = await transact(this.#db, async (tx) => {
      await lockAccount(tx, userNid)
      if ((await store.listBackups(tx, userNid)).length >= MAX_VERSIONS) {
        throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', 'There are too many backups; delete old ones', {
          status: 403,
        })
      }
      return store.insertBackup(tx, userNid, algorithm, text)
    })
    return String(version)
  }

  /** The current version. Throws `M_NOT_FOUND`. */
  async current(userNid: number): Promise<store.KeyBackup> {
    const [newest] = await store.listBackups(this.#db, userNid)
    if (!newest) throw notFound('There is no backup')
    return newest
  }

  /** Throws `M_NOT_FOUND`. */
  async get(userNid: number, version: string): Promise<store.KeyBackup> {
    return named(await store.listBackups(this.#db, userNid), version)
  }

  /** Replaces what the client says of the encryption. Throws `M_NOT_FOUND`, and `M_INVALID_PARAM` for another algorithm. */
  async update(userNid: number, version: string, { algorithm, authData }: BackupForm): Promise<void> {
    const text = authText(authData)
    await transact(this.#db, async (tx) => {
      await lockAccount(tx, userNid)
      const backup = named(await store.listBackups(tx, userNid), version)
      if (backup.algorithm !== algorithm) throw invalidParam('A backup keeps its algorithm')
      await store.updateAuthData(tx, userNid, backup.version, text)
    })
  }

  /** Deletes a version with its keys; one that was deleted before is as good. Throws `M_NOT_FOUND`. */
  async delete(userNid: number, version: string): Promise<void> {
    await transact(this.#db, async (tx) => {
      await lockAccount(tx, userNid)
      if (!(await store.hadBackup(tx, userNid, numberOf(version)))) throw unknownVersion()
      await store.markDeleted(tx, userNid, numberOf(version))
    })
    await this.deleteMarked()
  }

  /** Deletes the keys of deleted versions: also of those that a restart left behind. */
  deleteMarked(): Promise<void> {
    return deleteInPieces(this.#db, store.deletePieceOfDeleted)
  }
}

/**
 * The backup that keys may be written to, under the account's lock. Throws `M_NOT_FOUND`, and
 * `M_WRONG_ROOM_KEYS_VERSION` for one that is not the current one.
 */
export async function lockCurrent(tx: Tx, userNid: number, version: string): Promise<store.KeyBackup> {
  await lockAccount(tx, userNid)
  const backups = await store.listBackups(tx, userNid)
  const backup = named(backups, version)
  const current = backups[0]
  if (current === undefined || current === backup) return backup
  throw new MatrixError('M_WRONG_ROOM_KEYS_VERSION', 'This is not the current backup', {
    fields: { current_version: String(current.version) },
  })
}

function named(backups: readonly store.KeyBackup[], version: string): store.KeyBackup {
  const backup = backups.find((one) => String(one.version) === version)
  if (!backup) throw unknownVersion()
  return backup
}

const numberOf = (version: string): number => (/^\d{1,15}$/.test(version) ? Number(version) : 0)

const unknownVersion = () => notFound('There is no such backup')

function authText(authData: JsonObject): string {
  const text = JSON.stringify(authData)
  if (Buffer.byteLength(text) > MAX_AUTH_DATA_BYTES) throw tooLarge('The auth_data is larger than 64 KiB')
  return text
}
