import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Config } from '../config/schema.ts'
import { SigningKey } from '../matrix/signing-key.ts'
import type { Network } from '../outbound/network.ts'
import { Hub } from '../services/hub.ts'
import { Metrics } from '../services/metrics.ts'
import { RateLimits } from '../services/rate-limits.ts'
import { Stream } from '../services/stream.ts'
import { currentPosition } from '../storage/counter.ts'
import { type Db, openDatabase } from '../storage/db.ts'
import { lockDatabase } from '../storage/lock.ts'
import { migrate } from '../storage/migrate.ts'
import { claimServerName } from '../storage/settings.ts'
import type { Clock } from '../util/clock.ts'
import { Lifetime } from '../util/lifetime.ts'
import { type Background, backgroundOf } from './background.ts'
import { databaseOf, rateLimitsOf } from './settings.ts'

/** What tests replace. Everything else is built from the configuration. */
export interface Edges {
  readonly clock: Clock
  random(bytes: number): Uint8Array
  readonly log: Logger
  /** How other machines are found and reached. */
  readonly network: Network
  /** Something is broken that only a restart mends. */
  onFatal(error: unknown): void
}

/** What every other part stands on. */
export interface Ground extends Edges, Background {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
  readonly metrics: Metrics
  readonly rateLimits: RateLimits
  readonly lifetime: Lifetime
}

/** Opens the database, which nobody else may write to from then on, and brings its tables up to date. */
export async function layGround(config: Config, edges: Edges): Promise<Ground> {
  const { clock, log, onFatal } = edges
  const signingKey = SigningKey.parse(readFileSync(config.paths.signing_key_file, 'utf8'))
  const metrics = new Metrics()
  const lifetime = new Lifetime()
  const groupSize = metrics.counter('database_grouped_writes_total', 'Transactions committed in groups')
  const groupWait = metrics.timer('database_commit', 'From a transaction to its durable commit')
  const database = databaseOf(config)
  lifetime.add(await lockDatabase(database, onFatal))
  try {
    const db = await openDatabase(database, {
      onFatal,
      onGroup: (size, waitMs) => {
        groupSize(size)
        groupWait(waitMs)
      },
      onCheckpointFailed: (err) => log.error({ err }, 'a checkpoint of the database failed; is the disk full?'),
    })
    lifetime.add({ close: () => db.destroy() })
    for (const name of await migrate(db)) log.info({ migration: name }, 'migrated the database')
    await claimServerName(db, config.server_name)
    const stream = new Stream(db, await currentPosition(db), (err) => log.error({ err }, 'announcing a write failed'))
    const hub = new Hub()
    metrics.gauge('sync_waiting', 'Requests that wait for news', () => hub.waiting)
    metrics.gauge('stream_position', 'The newest position that is visible', () => stream.current)
    return {
      ...edges,
      ...backgroundOf({ db, clock, log, lifetime }),
      serverName: config.server_name,
      signingKey,
      db,
      stream,
      hub,
      metrics,
      rateLimits: new RateLimits({ clock, limits: rateLimitsOf(config) }),
      lifetime,
    }
  } catch (error) {
    await lifetime.close()
    throw error
  }
}
