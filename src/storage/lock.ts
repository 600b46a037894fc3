import type { DatabaseConfig } from './config.ts'
import type { DatabaseLock } from './database-lock.ts'
import { lockPostgres } from './postgres/lock.ts'
import { lockSqlite } from './sqlite/lock.ts'

/**
 * Makes this process the one that writes to a database: what its caches hold is right only while nobody else changes
 * the tables. Throws `DatabaseInUse` when another process is already that one. `onLost` is told when another process
 * has taken the database over, which can happen to PostgreSQL when the network breaks: this process must end.
 */
export const lockDatabase = (config: DatabaseConfig, onLost: (error: unknown) => void): Promise<DatabaseLock> =>
  config.kind === 'sqlite' ? lockSqlite(config) : lockPostgres(config, onLost)
