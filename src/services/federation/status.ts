import type { Db } from '../../storage/db.ts'
import { listDestinations } from '../../storage/federation/destinations.ts'
import { listBacklogs } from '../../storage/federation/outbox.ts'
import type { Clock } from '../../util/clock.ts'

/** How it stands with sending to one server. */
export interface DestinationStatus {
  readonly server: string
  readonly isFailing: boolean
  readonly waitingEvents: number
  /** Device lists, to-device messages and their like. */
  readonly waitingOthers: number
  /** How old the oldest event is that waits. */
  readonly lagMs: number
  readonly lastSuccessTs: number | undefined
  /** In a row. */
  readonly failures: number
  readonly retryTs: number | undefined
  readonly lastError: string | undefined
}

/** Why something has not been delivered, from the tables: those that are behind first. */
export async function destinationStatus(
  { db, clock }: { db: Db; clock: Clock },
  server?: string,
): Promise<DestinationStatus[]> {
  const rows = new Map((await listDestinations(db)).map((row) => [row.name, row]))
  const backlogs = new Map((await listBacklogs(db)).map((row) => [row.name, row]))
  const names = [...new Set([...rows.keys(), ...backlogs.keys()])].filter(
    (name) => server === undefined || name === server,
  )
  const found = names.map((name): DestinationStatus => {
    const [row, backlog] = [rows.get(name), backlogs.get(name)]
    const failures = row?.failures ?? 0
    return {
      server: name,
      isFailing: failures > 0,
      waitingEvents: backlog?.events ?? 0,
      waitingOthers: backlog?.edus ?? 0,
      lagMs: backlog?.oldest_ts ? Math.max(0, clock.now() - backlog.oldest_ts) : 0,
      lastSuccessTs: row?.last_success_ts ?? undefined,
      failures,
      retryTs: failures > 0 ? row?.retry_at : undefined,
      lastError: row?.last_error ?? undefined,
    }
  })
  return found.sort((a, b) => b.lagMs - a.lagMs || a.server.localeCompare(b.server))
}
