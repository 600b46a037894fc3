import type { DatabaseConfig, PostgresConfig, SqliteConfig } from '../config.ts'
import { currentEventNid } from '../counter.ts'
import { type Db, transact } from '../db.ts'
import { listEventIds } from '../rooms/events.ts'
import { deleteAllSearchAgain, hasSearchAgain } from './again.ts'
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

export interface IndexState {
  /** Whether something happened to the events that the index has not seen. */
  readonly isBehind: boolean
  /** Events that it has not looked at. */
  readonly unseen: number
}

/** How far the index has come; one that is not there is made, empty. */
export async function indexState(config: DatabaseConfig, db: Db): Promise<IndexState> {
  const store = await openStore(config)
  try {
    const found = await store.place()
    const isOurs = found && ((await listEventIds(db, [found.eventNid]))[0] ?? '') === found.eventId
    const unseen = (await currentEventNid(db)) - (isOurs ? found.eventNid : 0)
    return { unseen, isBehind: unseen > 0 || (await hasSearchAgain(db)) }
  } finally {
    await store.close()
  }
}

/** Deletes the index, and what it was to look at once more. */
export async function removeIndex(config: DatabaseConfig, db: Db): Promise<void> {
  if (config.kind === 'sqlite') (await import('./sqlite-store.ts')).removeFiles(searchPath(config.path))
  else await (await import('./postgres-store.ts')).PostgresSearchStore.remove(config)
  await transact(db, deleteAllSearchAgain)
}

async function openStore(config: DatabaseConfig): Promise<SearchStore> {
  if (config.kind === 'postgres') return (await import('./postgres-store.ts')).PostgresSearchStore.open(config)
  const { SqliteSearchStore } = await import('./sqlite-store.ts')
  return new SqliteSearchStore(searchPath(config.path))
}

/** The index of an SQLite database is a file beside it. */
export const searchPath = (path: string): string => `${path}.search`

async function openOnSqlite(config: SqliteConfig): Promise<Search> {
  const [{ default: Database }, { Statements }] = await Promise.all([
    import('better-sqlite3'),
    import('../sqlite/statements.ts'),
  ])
  const reading = new Statements(new Database(config.path, { readonly: true }))
  const source = new SearchSource({ rows: async (sql, params) => reading.rows(sql, params) })
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
    rows: async (sql, params) => (await pool.query(numberPlaceholders(sql), [...params])).rows,
  })
  const store = await openStore(config)
  return { store, follower: new Follower(source, store) }
}
