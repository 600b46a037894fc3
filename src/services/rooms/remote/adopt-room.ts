import { forbidden } from '../../../matrix/errors.ts'
import { type RoomId, serverOf } from '../../../matrix/ids.ts'
import { authEventIds, type Pdu, prevEventIds } from '../../../room/event.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, eventsById, listEventStubs } from '../../../storage/rooms/events.ts'
import { Turn } from '../../../util/turn.ts'
import type { Append } from '../append.ts'
import type { Batch, StateEdit } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { type Incoming, toStored } from '../receive/incoming.ts'
import { createEventId, judgeByAuthEvents, judgeByState, placesFor, withMembersIn } from '../receive/judge.ts'
import { storeOutliers } from '../receive/outliers.ts'
import { type Change, changesTo, editsOf } from '../state/state-difference.ts'
import { editedView, storedView, ViewReader } from '../state/state-view.ts'
import { StoredEvent } from '../stored-event.ts'

/** Entries of the state that one transaction writes. */
const MAX_AT_ONCE = 500

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly serverName: string
}

/** A room as another server described it when it let one of our users in; all events checked as far as signatures go. */
export interface Described {
  readonly roomId: RoomId
  readonly version: RoomVersion
  /** The state before the join. */
  readonly state: readonly Incoming[]
  readonly authChain: readonly Incoming[]
  readonly join: Incoming
  /** Who let us in and who is in the room, where most of the members are left out of the state. */
  readonly partial?: { readonly via: string; readonly servers: readonly string[] } | undefined
}

/**
 * Takes a room over from another server: first the events of its state, then the state, both in pieces that nobody sees
 * as long as no local user is in the room, and at last the join. What was known of the room before is replaced.
 * Throws `M_FORBIDDEN` where the room's own rules do not allow the join.
 */
export async function adoptRoom(deps: Deps, described: Described): Promise<StoredEvent> {
  const { db, append } = deps
  const { roomId, version, authChain, join, partial } = described
  const state = [...described.state, ...(partial ? membersLeftOut(described) : [])]
  await append.learnOf(roomId, version)
  await storeOutliers(deps, { roomId }, [...authChain, ...state])
  const ours = await becomeState(deps, roomId, state)
  let joined: StoredEvent | undefined
  await append.write(roomId, async (room) => {
    const batch = await joinBatch(db, room, join, await editsOf(db, room, ours))
    joined = batch.entries[0]?.event
    if (partial) return { ...batch, partial: { is: 'begun', ...partial } }
    return room.isPartial ? { ...batch, partial: { is: 'abandoned' } } : batch
  })
  if (!joined) throw new Error('The join was not written')
  return joined
}

/**
 * The members among the join's auth events, such as the invite that it answers: they are of the state before it, from
 * which members were left out.
 */
function membersLeftOut({ state, authChain, join }: Described): Incoming[] {
  const isMember = ({ pdu }: Incoming) => pdu.type === 'm.room.member'
  const named = new Set(authEventIds(join.pdu))
  const given = new Set(state.filter(isMember).map(({ pdu }) => pdu.state_key))
  return authChain.filter((one) => isMember(one) && named.has(one.eventId) && !given.has(one.pdu.state_key))
}

/**
 * Makes the state that was described the current one, but for our users who are joined in it: gives those changes. Until
 * the join is there they could say things that follow what is about to be replaced.
 */
async function becomeState(
  { db, append, serverName }: Deps,
  roomId: RoomId,
  state: readonly Incoming[],
): Promise<Change[]> {
  const stubs = await listEventStubs(
    db,
    state.map(({ eventId }) => eventId),
  )
  const own = new Set(state.filter(({ pdu }) => isOwnJoin(pdu, serverName)).map(({ eventId }) => eventId))
  const ownNids = new Set(stubs.flatMap((stub) => (own.has(stub.event_id) ? stub.nid : [])))
  let ours: Change[] = []
  let changes: Change[] = []
  const turn = new Turn()
  for (let start = 0; start === 0 || start < changes.length; start += MAX_AT_ONCE) {
    await append.write(roomId, async (room) => {
      if (start === 0) {
        const all = await changesTo(db, room, stubs)
        const isOurs = ({ after }: Change) => after !== undefined && ownNids.has(after)
        changes = all.filter((change) => !isOurs(change))
        ours = all.filter(isOurs)
      }
      const edits = await editsOf(db, room, changes.slice(start, start + MAX_AT_ONCE))
      return edits.length === 0 ? undefined : stateBatch(room, edits)
    })
    if (turn.isOver) await turn.give()
  }
  return ours
}

const isOwnJoin = ({ type, state_key: userId, content }: Pdu, serverName: string): boolean =>
  type === 'm.room.member' && content.membership === 'join' && serverOf(userId ?? '') === serverName

const stateBatch = (room: LiveRoom, edits: readonly StateEdit[]): Batch => ({
  room,
  entries: [],
  state: { on: room.stateNid, edits },
  changes: edits.map((edit) => ({ edit, at: undefined })),
  extremities: { removed: [], added: [] },
})

async function joinBatch(db: Db, room: LiveRoom, join: Incoming, ours: readonly StateEdit[]): Promise<Batch> {
  const { version, roomId } = room
  const ids = [...authEventIds(join.pdu), ...(version.createHashRoomId ? [createEventId(roomId)] : [])]
  const rows = await eventsById(db, [...ids, ...prevEventIds(join.pdu), join.eventId])
  const known = new Map(rows.map((row) => [row.event_id, new StoredEvent(row, roomId, version)]))
  const auth = new Map(ids.flatMap((id) => known.get(id) ?? []).map((event) => [event.eventId as string, event]))
  const reader = new ViewReader(db, room)
  const view = editedView(storedView(room.stateNid), ours)
  const state = await reader.lookup(view, placesFor(join.pdu, version))
  const refused = judgeByAuthEvents(join, auth, version) ?? judgeByState(join, withMembersIn(auth, state), version)
  if (refused !== undefined) throw forbidden(`The room does not let you in: ${refused}`)
  const before = known.get(join.eventId)
  const event = before
    ? new StoredEvent({ ...before.row, kind: EVENT_KIND.timeline, reason: null }, roomId, version, join.pdu)
    : toStored(join, room, EVENT_KIND.timeline)
  const entry = {
    event,
    authEvents: [...new Set(authEventIds(join.pdu))].flatMap((id) => known.get(id) ?? []),
    before: view.ref,
    txn: undefined,
    redacts: undefined,
    strippedState: undefined,
    isStored: before !== undefined,
    missing: prevEventIds(join.pdu).filter((id) => known.get(id)?.row.state_nid == null),
  }
  // Where the other server took the user for a member already, the join is all that changes.
  const former = ours.find((edit) => edit.event?.stateKey === event.stateKey)
  const replaces = former ? former.replaces : state('m.room.member', event.stateKey ?? '')
  return {
    room,
    entries: [entry],
    state: { on: entry, edits: [] },
    changes: [
      ...ours.filter((edit) => edit !== former).map((edit) => ({ edit, at: undefined })),
      { edit: { event, replaces }, at: entry },
    ],
    extremities: { removed: room.extremities, added: [event] },
  }
}
