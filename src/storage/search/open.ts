import type { DatabaseConfig, PostgresConfig, SqliteConfig } from '../config.ts'
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

/** The index is a file beside the database. */
async function openOnSqlite({ path }: SqliteConfig): Promise<Search> {
  const [{ default: Database }, { Statements }, { SqliteSearchStore }] = await Promise.all([
    import('better-sqlite3'),
    import('../sqlite/statements.ts'),
    import('./sqlite-store.ts'),
  ])
  const reading = new Statements(new Database(path, { readonly: true }))
  const source = new SearchSource({ run: refuse, rows: async (sql, params) => reading.rows(sql, params) })
  const store = new SqliteSearchStore(`${path}.search`)
  return { store, follower: new Follower(source, store) }
}

async function openOnPostgres(config: PostgresConfig): Promise<Search> {
  const [{ createPool }, { numberPlaceholders }, { PostgresSearchStore }] = await Promise.all([
    import('../postgres/pool.ts'),
    import('../postgres/placeholders.ts'),
    import('./postgres-store.ts'),
  ])
  const pool = createPool({ ...config, maxConnections: 1 })
  // Whoever runs a query is told by its failure; an idle connection that breaks is opened again.
  pool.on('error', () => {})
  const source = new SearchSource({
    run: refuse,
    rows: async (sql, params) => (await pool.query(numberPlaceholders(sql), [...params])).rows,
  })
  const store = await PostgresSearchStore.open(config)
  return { store, follower: new Follower(source, store) }
}

const refuse = async () => {
  throw new Error('The index only reads the events')
}
