import Database from 'better-sqlite3'
import type { SqliteConfig } from '../config.ts'
import type { DatabaseLock } from '../database-lock.ts'
import { DatabaseInUse } from '../unsuitable.ts'

/**
 * A transaction held open on a database beside the real one: its lock is the operating system's, so it ends with the
 * process. (On the real one it would keep everybody out who only wants to look: backups, `doctor`.)
 */
export async function lockSqlite({ path }: SqliteConfig): Promise<DatabaseLock> {
  const lock = new Database(`${path}.lock`, { timeout: 0 })
  try {
    lock.exec('begin exclusive')
  } catch (error) {
    lock.close()
    throw error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY' ? new DatabaseInUse(path) : error
  }
  return {
    close: async () => {
      lock.close()
    },
  }
}
