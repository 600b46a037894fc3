import type { DatabaseConfig, PostgresConfig, SqliteConfig } from '../config.ts'
import { currentEventNid } from '../counter.ts'
import type { Db } from '../db.ts'
import { listEventIds } from '../events.ts'
import { hasSearchAgain } from './again.ts'
import { Follower } from './follower.ts'
import { SearchSource } from './source.ts'
import type { SearchStore } from './store.ts'

interface Search {
  readonly store: SearchStore
  readonly follower: Follower
}

/**
 * Opens the index of a database, with connections of its own: one that reads the events, one for the index. Only the code
 * of that database is loaded: memory is short.
 */
export const openSearch = (config: DatabaseConfig): Promise<Search> =>
  config.kind === 'sqlite' ? openOnSqlite(config) : openOnPostgres(config)

/** Whether something happened to the events that the index has not seen. */
export async function isIndexBehind(config: DatabaseConfig, db: Db): Promise<boolean> {
  const store = await openStore(config)
  try {
    const place = await store.place()
    const newest = await currentEventNid(db)
    if (!place) return newest > 0
    if (place.eventNid !== newest || (await hasSearchAgain(db))) return true
    return ((await listEventIds(db, [newest]))[0] ?? '') !== place.eventId
  } finally {
    await store.close()
  }
}

async function openStore(config: DatabaseConfig): Promise<SearchStore> {
  if (config.kind === 'postgres') return (await import('./postgres-store.ts')).PostgresSearchStore.open(config)
  const { SqliteSearchStore } = await import('./sqlite-store.ts')
  return new SqliteSearchStore(searchPath(config.path))
}

/** The index of an SQLite database is a file beside it. */
const searchPath = (path: string): string => `${path}.search`

async function openOnSqlite(config: SqliteConfig): Promise<Search> {
  const [{ default: Database }, { Statements }] = await Promise.all([
    import('better-sqlite3'),
    import('../sqlite/statements.ts'),
  ])
  const reading = new Statements(new Database(config.path, { readonly: true }))
  const source = new SearchSource({ run: refuse, rows: async (sql, params) => reading.rows(sql, params) })
  const store = await openStore(config)
  return { store, follower: new Follower(source, store) }
}

async function openOnPostgres(config: PostgresConfig): Promise<Search> {
  const [{ createPool }, { numberPlaceholders }] = await Promise.all([
    import('../postgres/pool.ts'),
    import('../postgres/placeholders.ts'),
  ])
  const pool = createPool({ ...config, maxConnections: 1 })
  const source = new SearchSource({
    run: refuse,
    rows: async (sql, params) => (await pool.query(numberPlaceholders(sql), [...params])).rows,
  })
  const store = await openStore(config)
  return { store, follower: new Follower(source, store) }
}

const refuse = async () => {
  throw new Error('The index only reads the events')
}
