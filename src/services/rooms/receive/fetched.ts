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
  return (await proveEvents(signatures, room, values)).events
}

/** The same, with those whose signatures do not hold or could not be checked. */
export async function proveEvents(
  signatures: EventSignatures,
  room: Room,
  values: readonly unknown[],
): Promise<{ events: Incoming[]; unproven: Parsed[] }> {
  const parsed = await eventsOf(room, values)
  const checked = await signatures.check(parsed, room.version)
  return {
    events: checked.filter((event) => typeof event !== 'string'),
    unproven: parsed.filter((_, index) => typeof checked[index] === 'string'),
  }
}

/** What a server gave of some events that it was asked for. */
export interface Fetched {
  readonly events: Incoming[]
  /** Those whose signatures do not hold or could not be checked. */
  readonly unproven: Parsed[]
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
  const given = await proveEvents(signatures, room, values)
  const events = given.events.filter(({ eventId }) => wanted.delete(eventId))
  return { events, unproven: given.unproven.filter(({ eventId }) => wanted.has(eventId)), absent: [...wanted] }
}

/** For an answer that is only worth having: what the other server did wrong is no failure of ours. */
export function nothingOf(error: unknown): undefined {
  if (error instanceof RemoteFailure) return undefined
  throw error
}
