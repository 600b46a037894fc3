import type { Logger } from 'pino'
import { Backlog } from '../services/backlog.ts'
import type { Db, Tx } from '../storage/db.ts'
import { deleteInPieces } from '../storage/expire.ts'
import { type Clock, HOUR_MS } from '../util/clock.ts'
import type { Lifetime } from '../util/lifetime.ts'
import { Ticker } from '../util/ticker.ts'

/** What the server does by itself, for as long as it lives; what fails is logged and tried again. */
export interface Background {
  /** Repeats a piece of work. */
  every(everyMs: number, name: string, work: () => Promise<void>): void
  /** Deletes, every hour, what is older than this. `deletePiece` returns how many rows it found, up to `limit`. */
  forget(ageMs: number, what: string, deletePiece: DeletePiece): void
  /** Works through a list that a table holds: when the server starts, and whenever it is woken. */
  backlog(name: string, work: (signal: AbortSignal) => Promise<void>): Backlog
}

type DeletePiece = (tx: Tx, beforeTs: number, limit: number) => Promise<number>

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly lifetime: Lifetime
}

/** Background work that ends with the server; what fails is logged, and tried again at its next time. */
export function backgroundOf({ db, clock, log, lifetime }: Deps): Background {
  const onFailureOf = (name: string) => (err: unknown) => log.error({ err }, `${name} failed`)
  const every: Background['every'] = (everyMs, name, work) =>
    lifetime.add(new Ticker({ clock, everyMs, work, onFailure: onFailureOf(name) }))
  return {
    every,
    forget: (ageMs, what, deletePiece) =>
      every(HOUR_MS, `forgetting ${what}`, () =>
        deleteInPieces(db, (tx, limit) => deletePiece(tx, clock.now() - ageMs, limit)),
      ),
    backlog(name, work) {
      const backlog = new Backlog({ work, onFailure: onFailureOf(name) })
      lifetime.add(backlog)
      return backlog
    },
  }
}
