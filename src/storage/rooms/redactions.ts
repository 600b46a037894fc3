import type { Db, Tx } from '../db.ts'
import { places, rawRun } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'

/** Redactions that wait for one of these events. */
export const listPendingRedactions = (
  db: Db,
  redactsIds: readonly string[],
): Promise<(EventRow & { redacts_id: string })[]> =>
  selectEvents<{ redacts_id: string }>(
    db,
    `from redaction r join event e on e.nid = r.event_nid where r.redacts_id in (${places(redactsIds.length)})`,
    redactsIds,
    'r.redacts_id',
  )

export async function deletePendingRedactions(tx: Tx, redactsIds: readonly string[]): Promise<void> {
  await rawRun(tx, `delete from redaction where redacts_id in (${places(redactsIds.length)})`, redactsIds)
}

/** Marks an event as redacted; the stored text stays, what clients see is pruned. The first redaction counts. */
export async function updateRedactedBy(tx: Tx, nid: number, redactionNid: number): Promise<void> {
  await rawRun(tx, 'update event set redacted_by_nid = ? where nid = ? and redacted_by_nid is null', [
    redactionNid,
    nid,
  ])
}

/** Takes back what a redaction did: it does not count. */
export async function updateNotRedactedBy(tx: Tx, redactsId: string, redactionNid: number): Promise<void> {
  const params = [redactsId, redactionNid]
  await rawRun(tx, 'update event set redacted_by_nid = null where event_id = ? and redacted_by_nid = ?', params)
  await rawRun(tx, 'delete from redaction where redacts_id = ? and event_nid = ?', params)
}

/** Remembers a redaction whose target is not here yet. */
export async function insertPendingRedaction(tx: Tx, redactsId: string, redactionNid: number): Promise<void> {
  await rawRun(tx, 'insert into redaction (redacts_id, event_nid) values (?, ?)', [redactsId, redactionNid])
}
