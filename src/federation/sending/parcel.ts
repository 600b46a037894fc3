import { canonicalJson } from '../../matrix/canonical-json.ts'
import { parseJson } from '../../matrix/parse-json.ts'
import type { Db } from '../../storage/db.ts'
import { listQueuedEdus, listQueuedEvents } from '../../storage/federation/outbox.ts'
import type { Passed, PassingEdus } from './passing-edus.ts'
import { MAX_EDUS, MAX_PDUS } from './portion.ts'

/** What goes to a server in one transaction. */
export interface Parcel {
  /** The last event of the queue that is in it. */
  readonly lastEventNid: number | undefined
  readonly eventIds: readonly string[]
  readonly eduIds: readonly number[]
  /** When its oldest event was made. */
  readonly oldestTs: number | undefined
  /** What only memory had. */
  readonly passed: Passed
  /** The same for parcels with the same contents from the queue. */
  readonly key: string
  /** Canonical texts. */
  readonly pdus: readonly string[]
  readonly edus: readonly string[]
}

/**
 * Takes what waits for a server. Keys and to-device messages go before the events that need them: while there are more of
 * them than fit, no event goes. `maxParts`: how many events and EDUs together.
 */
export async function pack(
  db: Db,
  serverNid: number,
  passing: PassingEdus,
  maxParts: number,
): Promise<Parcel | undefined> {
  const maxEdus = Math.min(maxParts, MAX_EDUS)
  const durable = await listQueuedEdus(db, serverNid, maxEdus)
  const maxPdus = durable.length === maxEdus ? 0 : Math.min(maxParts - durable.length, MAX_PDUS)
  const events = maxPdus === 0 ? [] : await listQueuedEvents(db, serverNid, maxPdus)
  const passed = passing.take(Math.min(maxEdus, maxParts - events.length) - durable.length)
  if (events.length + durable.length + passed.texts.length === 0) return undefined
  const eduIds = durable.map(({ id }) => id)
  return {
    lastEventNid: events.at(-1)?.event_nid,
    eventIds: events.map(({ event_id }) => event_id),
    eduIds,
    oldestTs: events[0]?.ts,
    passed,
    key: `${events[0]?.event_nid}-${events.at(-1)?.event_nid}-${events.length} ${eduIds.join(',')}`,
    pdus: events.map(({ json }) => canonicalJson(parseJson(json))),
    edus: [...durable.map(({ edu }) => edu), ...passed.texts],
  }
}

/** The canonical text of the transaction. */
export const transactionText = ({ pdus, edus }: Parcel, origin: string, now: number): string =>
  `{"edus":[${edus.join(',')}],"origin":${JSON.stringify(origin)},"origin_server_ts":${now},"pdus":[${pdus.join(',')}]}`
