import pg from 'pg'
import type { PostgresConfig } from '../config.ts'
import type { DatabaseLock } from '../database-lock.ts'
import { storageFailure } from '../failure.ts'
import { DatabaseInUse } from '../unsuitable.ts'
import { clientConfig } from './pool.ts'

const RETRY_MS = 1_000

/**
 * An advisory lock of a session of its own: it ends with the connection. When the connection breaks, the lock is taken
 * again; somebody who was faster has taken the database over.
 */
export async function lockPostgres(config: PostgresConfig, onLost: (error: unknown) => void): Promise<DatabaseLock> {
  let client: pg.Client | undefined
  let retry: NodeJS.Timeout | undefined
  let isClosed = false

  async function take(): Promise<void> {
    const next = new pg.Client(clientConfig(config))
    try {
      await next.connect()
      await lock(next)
    } catch (error) {
      await next.end().catch(() => {})
      throw storageFailure(error)
    }
    if (isClosed) return next.end()
    next.once('error', again)
    client = next
  }

  function again(): void {
    client = undefined
    if (isClosed) return
    retry = setTimeout(() => {
      take().catch((error) => (error instanceof DatabaseInUse ? onLost(error) : again()))
    }, RETRY_MS).unref()
  }

  await take()
  return {
    async close() {
      isClosed = true
      clearTimeout(retry)
      await client?.end()
    },
  }
}

async function lock(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; locked: boolean }>(
    `select current_database() || '.' || current_schema() as name,
       pg_try_advisory_lock(hashtextextended('bongsu ' || current_schema(), 0)) as locked`,
  )
  if (!rows[0]?.locked) throw new DatabaseInUse(rows[0]?.name ?? '')
}
