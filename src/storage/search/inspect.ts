import { existsSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { SqliteConfig } from '../config.ts'
import { type DatabaseConfig, openDatabase } from '../db.ts'
import { rawRows } from '../run.ts'
import { searchPath } from './open.ts'
import { INDEX_FORMAT } from './store.ts'

/**
 * How many events the index has not looked at, without changing anything, also while a server uses it; undefined: there is
 * no index. Throws when the database cannot be read.
 */
export async function countUnseen(config: DatabaseConfig): Promise<number | undefined> {
  if (config.kind === 'sqlite') return countInFiles(config)
  const db = await openDatabase(config)
  try {
    const tables = await rawRows<{ name: string | null }>(db, `select to_regclass('search_place') as name`, [])
    if (!tables[0]?.name) return undefined
    const sql = `select c.event_nid - p.event_nid as unseen from counter c, search_place p where p.format = ?`
    return (await rawRows<{ unseen: number }>(db, sql, [INDEX_FORMAT]))[0]?.unseen
  } finally {
    await db.destroy()
  }
}

function countInFiles({ path }: SqliteConfig): number | undefined {
  if (!existsSync(path) || !existsSync(searchPath(path))) return undefined
  const database = new Database(path, { readonly: true })
  const index = new Database(searchPath(path), { readonly: true })
  try {
    if (index.pragma('user_version', { simple: true }) !== INDEX_FORMAT) return undefined
    return numberIn(database, 'select event_nid from counter') - numberIn(index, 'select event_nid from place')
  } finally {
    index.close()
    database.close()
  }
}

const numberIn = (database: Database.Database, sql: string): number =>
  database.prepare<[], number>(sql).pluck().get() ?? 0
