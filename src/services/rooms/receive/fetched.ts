import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { roomIdOf } from '../../../room/hashes.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import type { EventSignatures } from './event-signatures.ts'
import { type Incoming, type Parsed, parseIncoming } from './incoming.ts'

interface Deps {
  readonly client: FederationClient
  readonly signatures: EventSignatures
}

type Room = Pick<LiveRoom, 'roomId' | 'version'>

/** Events that are asked for one by one at a time. */
const AT_A_TIME = 10

/** Events of a room out of an answer: those that are events of this room, each once. The rest is passed over. */
export async function eventsOf({ roomId, version }: Room, values: readonly unknown[]): Promise<Parsed[]> {
  const turn = new Turn()
  const found = new Map<string, Parsed>()
  for (const value of values) {
    const event = parseIncoming(value, version)
    if (typeof event !== 'string' && roomIdOf(event.pdu, version) === roomId) found.set(event.eventId, event)
    if (turn.isOver) await turn.give()
  }
  return [...found.values()]
}

/** The same with their signatures checked. */
export async function signedEventsOf(
  signatures: EventSignatures,
  room: Room,
  values: readonly unknown[],
): Promise<Incoming[]> {
  const checked = await signatures.check(await eventsOf(room, values), room.version)
  return checked.filter((event) => typeof event !== 'string')
}

/** What a server gave of some events that it was asked for. */
export interface Fetched {
  readonly events: Incoming[]
  /** Those that it does not have, or that are not what their ids say. */
  readonly absent: string[]
}

/** Asks a server for events one by one, a few at a time. */
export async function fetchEvents(
  { client, signatures }: Deps,
  server: string,
  room: Room,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Fetched> {
  const values: unknown[] = []
  const waiting = [...ids]
  const work = async () => {
    for (let id = waiting.shift(); id !== undefined && !signal.aborted; id = waiting.shift()) {
      const value = await client.events.getEvent(server, id, signal).catch(nothingOf)
      if (value) values.push(value)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  const wanted = new Set(ids)
  const events = (await signedEventsOf(signatures, room, values)).filter(({ eventId }) => wanted.has(eventId))
  for (const { eventId } of events) wanted.delete(eventId)
  return { events, absent: [...wanted] }
}

/** For an answer that is only worth having: what the other server did wrong is no failure of ours. */
export function nothingOf(error: unknown): undefined {
  if (error instanceof RemoteFailure) return undefined
  throw error
}
