import type { Tx } from '../../../storage/db.ts'
import * as table from '../../../storage/rooms/redactions.ts'
import { type Entry, keepsPlace } from '../entry.ts'
import { redactedId } from '../receive/redactions.ts'

/** Writes what the events redact, and which of them wait for what they are to redact. */
export async function persistRedactions(tx: Tx, entries: readonly Entry[]): Promise<void> {
  // What is redacted as it comes was waited for.
  const awaited = entries.flatMap(({ event }) => (event.isRedacted ? event.eventId : []))
  if (awaited.length > 0) await table.deletePendingRedactions(tx, awaited)
  for (const { event, rejudged } of entries) {
    const undone = rejudged && !event.isTimeline ? redactedId(event.pdu, event.version) : undefined
    if (undone !== undefined) await table.updateNotRedactedBy(tx, undone, event.nid)
  }
  for (const entry of entries) {
    const { event, redacts } = entry
    if (!redacts || !event.isTimeline || keepsPlace(entry)) continue
    if (redacts.target) await table.updateRedactedBy(tx, redacts.target.nid, event.nid)
    else await table.insertPendingRedaction(tx, redacts.eventId, event.nid)
  }
}
