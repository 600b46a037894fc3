export interface SqliteConfig {
  kind: 'sqlite'
  path: string
  /** Page cache of each of the two connections. */
  cacheBytes?: number
  /** When the write-ahead log is copied into the database and starts over, in pages of 4 KiB. */
  log?: { checkpointPages: number; capPages: number }
}

export interface PostgresConfig {
  kind: 'postgres'
  url: string
  /** Where the tables are, when not in the role's own search path. */
  schema?: string
  maxConnections?: number
}

export type DatabaseConfig = SqliteConfig | PostgresConfig

/** What the outside may watch or, in tests, replace. */
export interface DatabaseHooks {
  /** Storage is in a state that only a restart mends (a failed sync): the process should end. */
  onFatal?(error: unknown): void
  /** After each group commit on SQLite: how many transactions, and how long the first waited for its acknowledgement. */
  onGroup?(size: number, waitMs: number): void
  /** A checkpoint of SQLite's log failed, most likely for want of room: the log grows until one succeeds. */
  onCheckpointFailed?(error: unknown): void
  /** Makes the bytes of the write-ahead log durable: `fdatasync`, unless a test slows it down or watches it. */
  sync?(fd: number): Promise<void>
}
