import { type EventStub, listEventStubs } from '../../../storage/rooms/events.ts'
import type { StateEdit } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { changesTo, editsOf } from '../state/state-difference.ts'
import { editedView, type StateView, storedView } from '../state/state-view.ts'
import { type Fetched, fetchEvents, proveEvents } from './fetched.ts'
import type { Incoming, Parsed } from './incoming.ts'
import { type FetchDeps, fetchMissingAuth } from './missing-auth.ts'

/** What a state may take, and further for each user who was ever in the room, as far as we know. */
const STATE_BYTES = 32 * 1024 * 1024
const MEMBER_BYTES = 8 * 1024
/** Of more events than these the whole state is asked for instead of each by its id. */
const MAX_SINGLE = 100

/**
 * The state after an event that is not here, as another server tells it: what follows the event can then be judged, and
 * the gap before it stays open. Undefined where the server cannot tell all of the state, or what it tells does not hold
 * together. Of a room whose members are not known it has those who are: the event is judged again later.
 */
export async function stateAfterGap(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  signal: AbortSignal,
): Promise<StateView | undefined> {
  const stubs = await fetchState(deps, server, room, eventId, 'after', signal)
  return stubs && viewOf(room, await editsTo(deps, room, stubs), room.isPartial)
}

/** The same before or after an event, always with all members. */
export async function wholeStateAt(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  when: 'before' | 'after',
  signal: AbortSignal,
): Promise<StateView | undefined> {
  const stubs = await fetchState(deps, server, room, eventId, when, signal)
  return stubs && viewOf(room, await editsTo(deps, room, stubs))
}

/**
 * The state events before or after an event as a server tells them, stored by then as outliers. Undefined as above; a state
 * without the event that the room began with is none of this room.
 */
export async function fetchState(
  deps: FetchDeps,
  server: string,
  room: LiveRoom,
  eventId: string,
  when: 'before' | 'after',
  signal: AbortSignal,
): Promise<EventStub[] | undefined> {
  const bounds = { maxBytes: maxBytesOf(room), signal }
  const { stateIds, authChainIds } = await deps.client.events.getRoomStateIds(server, room.roomId, eventId, bounds)
  // The event comes last: it takes the place of what it replaced.
  const state = new Set([...stateIds.filter((id) => id !== eventId), ...(when === 'after' ? [eventId] : [])])
  const create = await room.stateEvent('m.room.create', '')
  if (create && !state.has(create.eventId)) return undefined
  const wanted = [...new Set([...state, ...authChainIds])]
  const stored = new Set((await listEventStubs(deps.db, wanted)).map((stub) => stub.event_id))
  const unknown = wanted.filter((id) => !stored.has(id))
  const { events, unproven, absent } = await fetchAll(deps, server, room, eventId, unknown, signal)
  await deps.onUnproven?.(
    server,
    room,
    unproven.filter((event) => state.has(event.eventId) && isOfMember(event)),
  )
  await fetchMissingAuth(deps, server, room, [], events, signal)
  // A state event that was given, but that rests on nothing that we know, may be had another time.
  const stubs = new Map((await listEventStubs(deps.db, [...state])).map((stub) => [stub.event_id, stub]))
  const isIncomplete = absent.some((id) => state.has(id)) || events.some((event) => isLost(event, state, stubs))
  return isIncomplete ? undefined : [...state].flatMap((id) => stubs.get(id) ?? [])
}

/** Undefined for a room whose members are not known: it may be the largest. */
function maxBytesOf({ isPartial, counts }: LiveRoom): number | undefined {
  if (isPartial) return undefined
  const members = [...counts.values()].reduce((sum, count) => sum + count, 0)
  return STATE_BYTES + MEMBER_BYTES * members
}

const isOfMember = ({ pdu }: Parsed): boolean => pdu.type === 'm.room.member' && pdu.content.membership === 'join'

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
  const bounds = { maxBytes: maxBytesOf(room), signal }
  const { state, authChain } = await deps.client.events.getRoomState(server, room.roomId, eventId, bounds)
  const wanted = new Set(ids)
  const whole = await proveEvents(deps.signatures, room, [...state, ...authChain])
  const events = whole.events.filter((event) => wanted.delete(event.eventId))
  // The event itself is in no state before it; what has no valid signature stays out of ours.
  const rest = await fetchEvents(deps, server, room, wanted.has(eventId) ? [eventId] : [], signal)
  return {
    events: [...events, ...rest.events],
    unproven: [...whole.unproven, ...rest.unproven],
    absent: rest.absent,
  }
}

/** How the current state becomes another one. What the room began with nobody replaces. */
async function editsTo({ db }: FetchDeps, room: LiveRoom, stubs: readonly EventStub[]): Promise<StateEdit[]> {
  const edits = await editsOf(db, room, await changesTo(db, room, stubs))
  return edits.filter(({ replaces }) => replaces?.type !== 'm.room.create')
}

/**
 * A state as what differs from the current one. Without strangers it has no members whom the current state does not
 * have: to compare the two would otherwise mean to look at all of a room's members.
 */
const viewOf = ({ stateNid }: LiveRoom, edits: readonly StateEdit[], isWithoutStrangers = false): StateView =>
  editedView(storedView(stateNid), isWithoutStrangers ? edits.filter((edit) => !isStranger(edit)) : edits)

const isStranger = ({ event, replaces }: StateEdit): boolean => !replaces && event?.type === 'm.room.member'
