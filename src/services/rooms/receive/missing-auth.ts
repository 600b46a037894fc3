import type { FederationClient } from '../../../federation/client.ts'
import { authEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { listEventStubs } from '../../../storage/rooms/events.ts'
import { Turn } from '../../../util/turn.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { EventSignatures } from './event-signatures.ts'
import { fetchEvents, nothingOf, signedEventsOf } from './fetched.ts'
import type { Incoming, Parsed } from './incoming.ts'
import { storeOutliers } from './outliers.ts'

export interface FetchDeps {
  readonly db: Db
  readonly append: Append
  readonly client: FederationClient
  readonly signatures: EventSignatures
  /** Told of joined members in a state that a server gave, whose events could not be proven. */
  onUnproven?(server: string, room: LiveRoom, events: readonly Parsed[]): Promise<void>
}

/** How far, and of how many events, an auth chain is followed one event at a time. */
const MAX_ROUNDS = 10
const MAX_EVENTS = 200

/**
 * Fetches the auth events of some events that are not here, and theirs, and stores them with `alongside`: first the
 * auth chain of one of them as a whole, then one by one what that did not bring.
 */
export async function fetchMissingAuth(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  events: readonly Incoming[],
  alongside: readonly Incoming[],
  signal: AbortSignal,
): Promise<void> {
  const found = new Map(alongside.map((event) => [event.eventId, event]))
  // What was asked for in vain is not asked for again.
  const asked = new Set<string>()
  const missing = () => missingAuthOf(deps.db, [...events, ...found.values()], found, asked)
  const first = await missing()
  const [named] = events.filter(({ pdu }) => authEventIds(pdu).some((id) => first.includes(id)))
  if (named && first.length > 0) {
    const chain = await deps.client.events.getEventAuth(server, room.roomId, named.eventId).catch(nothingOf)
    for (const event of await signedEventsOf(deps.signatures, room, chain ?? [])) found.set(event.eventId, event)
  }
  for (let round = 0; round < MAX_ROUNDS && !signal.aborted; round++) {
    const ids = (await missing()).slice(0, MAX_EVENTS)
    if (ids.length === 0) break
    for (const id of ids) asked.add(id)
    for (const event of (await fetchEvents(deps, server, room, ids, signal)).events) found.set(event.eventId, event)
  }
  await storeOutliers(deps, room, [...found.values()])
}

async function missingAuthOf(
  db: Db,
  events: readonly Incoming[],
  found: ReadonlyMap<string, Incoming>,
  asked: ReadonlySet<string>,
): Promise<string[]> {
  const wanted = new Set<string>()
  const turn = new Turn()
  for (const { pdu } of events) {
    for (const id of authEventIds(pdu)) if (!found.has(id) && !asked.has(id)) wanted.add(id)
    if (turn.isOver) await turn.give()
  }
  const stored = new Set((await listEventStubs(db, [...wanted])).map((stub) => stub.event_id))
  return [...wanted].filter((id) => !stored.has(id))
}
