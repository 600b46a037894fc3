import type { Db } from '../../storage/db.ts'
import { namesOf } from '../../storage/names.ts'
import type { StateChange } from '../../storage/rooms/current-state.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import { withOwnMembership } from '../rooms/view/standing.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { RoomChanges } from '../sync/room-changes.ts'
import type { StateReader } from '../sync/state-reader.ts'
import type { Timeline } from '../sync/timeline.ts'
import type { LazyMembers } from './lazy-members.ts'
import type { RequiredState } from './required-state.ts'
import type { RoomQuestion } from './room-answer.ts'

export interface RoomStateDeps {
  db: Db
  visibility: Visibility
  state: StateReader
  changes: RoomChanges
  lazyMembers: LazyMembers
}

/** What a client is told of a room's state. */
export interface RoomState {
  /** The events that it is given and, where its dialect has them, stubs for what is gone, as JSON texts. */
  readonly texts: readonly string[]
  /** Those of them that are members loaded lazily. */
  readonly members: readonly StoredEvent[]
  /** The types of which anything changed since the client was here, whether it asks for them or not. */
  readonly changedTypes: ReadonlySet<string>
  /** Something changed that the client has and does not ask for any more. */
  readonly isMissed: boolean
}

/** Up to where a client is told of a room's state. */
export interface StateRange {
  readonly end: number
  /** The user's member event, where it is told whatever changed up to there. */
  readonly memberEvent: StoredEvent | undefined
  /** All members have become known since the client was here (MSC3902), which no change of the state says. */
  readonly isCompleted: boolean
}

/** A change of the state, with the names of its place. */
interface NamedChange extends StateChange {
  readonly type: string
  readonly key: string
}

const MEMBER = 'm.room.member'

/** Reads the state as of `end`: all that is wanted where the client begins anew, else what changed and what is wanted more. */
export async function readRoomState(
  deps: RoomStateDeps,
  question: RoomQuestion,
  room: LiveRoom,
  range: StateRange,
  timeline: Timeline,
): Promise<RoomState> {
  const { context, wanted, sent } = question
  const { end, memberEvent, isCompleted } = range
  const { required } = wanted
  const changes = await changesOf(deps, question, room, end)
  const asked = changes.filter(({ type, key }) => required.matches(type, key))
  const found = await wantedEvents(deps, question, room, range, asked)
  const isWanted = required.matches(MEMBER, context.viewer.userId)
  const events = memberEvent && isWanted ? withOwnMembership(found, memberEvent) : found
  const members = required.lazyMembers
    ? await deps.lazyMembers.of(question, room, end, usersIn(timeline, changes), events, timeline)
    : []
  const shown = await deps.visibility.stateWithoutErased(room, [...events, ...members], context.viewer)
  const texts = shown.map((event) => `${event.clientText},"unsigned":{"age":${context.now - event.row.ts}}}`)
  return {
    members,
    texts: context.request.dialect === 'stable' ? [...texts, ...stubs(asked)] : texts,
    changedTypes: new Set([...changes.map(({ type }) => type), ...(isCompleted ? [MEMBER] : [])]),
    isMissed: changes.some(({ type, key }) => hasMissed(sent?.required, required, type, key)),
  }
}

const hasMissed = (had: RequiredState | undefined, wanted: RequiredState, type: string, key: string): boolean =>
  had?.matches(type, key) === true && !wanted.matches(type, key)

/** What changed since the client was here; nothing where it is given the state anew. */
async function changesOf(
  { db, state, changes }: RoomStateDeps,
  { told, isInitial }: RoomQuestion,
  room: LiveRoom,
  end: number,
): Promise<NamedChange[]> {
  if (isInitial || !changes.mayHaveChangedState(room.nid, told)) return []
  const found = await state.changes(room, told, end)
  const names = await namesOf(db, new Set(found.flatMap(({ type_nid, key_nid }) => [type_nid, key_nid])))
  return found.map((change) => ({
    ...change,
    type: names.get(change.type_nid) ?? '',
    key: names.get(change.key_nid) ?? '',
  }))
}

/** The events that the client is given, apart from members that are loaded lazily. */
async function wantedEvents(
  { state }: RoomStateDeps,
  { wanted, sent }: RoomQuestion,
  room: LiveRoom,
  { end, isCompleted }: StateRange,
  asked: readonly NamedChange[],
): Promise<StoredEvent[]> {
  const { required } = wanted
  if (!sent || isCompleted) return state.selected(room, end, required)
  const changed = await state.changed(room, asked)
  if (sent.required.covers(required)) return changed
  // More is wanted than before: what the client does not have comes along.
  const given = new Set(changed.map((event) => event.nid))
  const added = (await state.selected(room, end, required)).filter(
    (event) => !given.has(event.nid) && !sent.required.matches(event.type, event.stateKey ?? ''),
  )
  return [...changed, ...added]
}

/** Whom a client that loads members lazily needs to show the timeline, and to keep those that it knows up to date. */
function usersIn(timeline: Timeline, changes: readonly NamedChange[]): ReadonlySet<string> {
  const users = new Set<string>()
  for (const { pdu, type, stateKey } of timeline.events) {
    users.add(pdu.sender)
    if (type === MEMBER && stateKey !== undefined) users.add(stateKey)
  }
  // After a gap it cannot keep up anyway, and there may be very many.
  if (!timeline.limited) for (const { type, key } of changes) if (type === MEMBER) users.add(key)
  return users
}

/** For places whose last change took the entry away (MSC4186: StateStub). */
function stubs(changes: readonly NamedChange[]): string[] {
  const last = new Map(changes.map((change) => [`${change.type_nid} ${change.key_nid}`, change]))
  return [...last.values()]
    .filter(({ event_nid }) => event_nid === null)
    .map(({ type, key }) => JSON.stringify({ type, state_key: key }))
}
