import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import { type DatabaseConfig, openDatabase } from './db.ts'
import { schemaVersion } from './migrate.ts'
import { migrations } from './migrations.ts'

export interface Inspection {
  /** Number of the last migration that the database has seen; undefined when there is no database yet. */
  readonly schemaVersion: number | undefined
  /** The newest version that this program knows. */
  readonly knownVersion: number
  /** What is wrong with the data itself. */
  readonly problems: readonly string[]
}

/** Looks at a database without changing it, also while a server uses it. Throws when it cannot be opened. */
export async function inspectDatabase(config: DatabaseConfig): Promise<Inspection> {
  const knownVersion = migrations.length
  if (config.kind === 'sqlite') return { knownVersion, ...inspectFile(config.path) }
  const db = await openDatabase(config)
  try {
    return { knownVersion, schemaVersion: await schemaVersion(db), problems: [] }
  } finally {
    await db.destroy()
  }
}

function inspectFile(path: string): Omit<Inspection, 'knownVersion'> {
  if (!existsSync(path)) return { schemaVersion: undefined, problems: [] }
  const database = new Database(path, { readonly: true })
  try {
    const found = database.pragma('integrity_check', { simple: false }) as { integrity_check: string }[]
    const problems = found.map((row) => row.integrity_check).filter((line) => line !== 'ok')
    const version = database.prepare('select max(version) as version from schema_version').get() as { version: number }
    return { schemaVersion: version.version, problems }
  } finally {
    database.close()
  }
}
