import Database from 'better-sqlite3'
import type { DatabaseConfig } from '../config.ts'
import { numberPlaceholders } from '../postgres/placeholders.ts'
import { createPool } from '../postgres/pool.ts'
import { Statements } from '../sqlite/statements.ts'
import { Follower } from './follower.ts'
import { PostgresSearchStore } from './postgres-store.ts'
import { SearchSource } from './source.ts'
import { SqliteSearchStore } from './sqlite-store.ts'
import type { SearchStore } from './store.ts'

/** Opens the index of a database, with connections of its own: one that reads the events, one for the index. */
export async function openSearch(config: DatabaseConfig): Promise<{ store: SearchStore; follower: Follower }> {
  const store =
    config.kind === 'sqlite' ? new SqliteSearchStore(searchPath(config.path)) : await PostgresSearchStore.open(config)
  return { store, follower: new Follower(openSource(config), store) }
}

/** The index of an SQLite database is a file beside it. */
export const searchPath = (path: string): string => `${path}.search`

function openSource(config: DatabaseConfig): SearchSource {
  const run = async () => {
    throw new Error('The index only reads the events')
  }
  if (config.kind === 'sqlite') {
    const reading = new Statements(new Database(config.path, { readonly: true }))
    return new SearchSource({ run, rows: async (sql, params) => reading.rows(sql, params) })
  }
  const pool = createPool({ ...config, maxConnections: 1 })
  // Whoever runs a query is told by its failure; an idle connection that breaks is opened again.
  pool.on('error', () => {})
  return new SearchSource({
    run,
    rows: async (sql, params) => (await pool.query(numberPlaceholders(sql), [...params])).rows,
  })
}
