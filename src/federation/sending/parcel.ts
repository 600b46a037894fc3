import { canonicalJson } from '../../matrix/canonical-json.ts'
import { parseJson } from '../../matrix/parse-json.ts'
import type { Db } from '../../storage/db.ts'
import { listQueuedEdus, listQueuedEvents } from '../../storage/outbox.ts'
import type { Passed, PassingEdus } from './passing-edus.ts'

/** What one transaction holds at most (spec: server-server API, Transactions). */
const MAX_PDUS = 50
const MAX_EDUS = 100

/** What goes to a server in one transaction. */
export interface Parcel {
  /** The last event of the queue that is in it. */
  readonly lastEventNid: number | undefined
  readonly events: number
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
 * them than fit, no event goes. `maxPdus`: fewer events than usual, where the server refused more.
 */
export async function pack(
  db: Db,
  serverNid: number,
  passing: PassingEdus,
  maxPdus: number,
): Promise<Parcel | undefined> {
  const durable = await listQueuedEdus(db, serverNid, MAX_EDUS)
  const isFull = durable.length === MAX_EDUS && durable.every(({ later }) => later === 0)
  const events = isFull ? [] : await listQueuedEvents(db, serverNid, Math.min(maxPdus, MAX_PDUS))
  const passed = passing.take(MAX_EDUS - durable.length)
  if (events.length + durable.length + passed.texts.length === 0) return undefined
  const eduIds = durable.map(({ id }) => id)
  return {
    lastEventNid: events.at(-1)?.event_nid,
    events: events.length,
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
