import { type EventStub, listEventStubs } from '../../../storage/events.ts'
import type { LiveRoom } from '../live-room.ts'
import { changesTo, editsOf } from '../state-difference.ts'
import { editedView, type StateView, storedView } from '../state-view.ts'
import { type Fetched, fetchEvents, signedEventsOf } from './fetched.ts'
import type { Incoming } from './incoming.ts'
import { type FetchDeps, fetchMissingAuth } from './missing-auth.ts'

/** Of more events than these the whole state is asked for instead of each by its id. */
const MAX_SINGLE = 100

/**
 * The state after an event that is not here, as another server tells it: what follows the event can then be judged, and
 * the gap before it stays open. Undefined where the server cannot tell all of the state, or what it tells does not hold
 * together.
 */
export async function stateAfterGap(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  signal: AbortSignal,
): Promise<StateView | undefined> {
  return readState(deps, server, room, eventId, true, signal)
}

/** The same before an event. */
export const stateBeforeEvent = (
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  signal: AbortSignal,
): Promise<StateView | undefined> => readState(deps, server, room, eventId, false, signal)

async function readState(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  withEvent: boolean,
  signal: AbortSignal,
): Promise<StateView | undefined> {
  const { stateIds, authChainIds } = await deps.client.events.getRoomStateIds(server, room.roomId, eventId)
  // The event comes last: it takes the place of what it replaced.
  const state = new Set([...stateIds.filter((id) => id !== eventId), ...(withEvent ? [eventId] : [])])
  const wanted = [...new Set([...state, ...authChainIds])]
  const stored = new Set((await listEventStubs(deps.db, wanted)).map((stub) => stub.event_id))
  const unknown = wanted.filter((id) => !stored.has(id))
  const { events, absent } = await fetchAll(deps, server, room, eventId, unknown, signal)
  await fetchMissingAuth(deps, server, room, [], events, signal)
  // A state event that was given, but that rests on nothing that we know, may be had another time.
  const stubs = new Map((await listEventStubs(deps.db, [...state])).map((stub) => [stub.event_id, stub]))
  const isIncomplete = absent.some((id) => state.has(id)) || events.some((event) => isLost(event, state, stubs))
  return isIncomplete
    ? undefined
    : viewOf(
        deps,
        room,
        [...state].flatMap((id) => stubs.get(id) ?? []),
      )
}

const isLost = ({ eventId }: Incoming, state: ReadonlySet<string>, stubs: ReadonlyMap<string, EventStub>): boolean =>
  state.has(eventId) && !stubs.has(eventId)

async function fetchAll(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<Fetched> {
  if (ids.length <= MAX_SINGLE) return fetchEvents(deps, server, room, ids, signal)
  const { state, authChain } = await deps.client.events.getRoomState(server, room.roomId, eventId)
  const wanted = new Set(ids)
  const whole = await signedEventsOf(deps.signatures, room, [...state, ...authChain])
  const events = whole.filter((event) => wanted.delete(event.eventId))
  // The event itself is in no state before it; what has no valid signature stays out of ours.
  const rest = await fetchEvents(deps, server, room, wanted.has(eventId) ? [eventId] : [], signal)
  return { events: [...events, ...rest.events], absent: rest.absent }
}

/** A state as what differs from the current one. */
async function viewOf({ db }: FetchDeps, room: LiveRoom, stubs: readonly EventStub[]): Promise<StateView> {
  const edits = await editsOf(db, room, await changesTo(db, room, stubs))
  return editedView(storedView(room.stateNid), edits)
}
