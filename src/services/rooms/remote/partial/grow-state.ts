import { type Db, transact } from '../../../../storage/db.ts'
import { findPartialRoom } from '../../../../storage/federation/partial-rooms.ts'
import { type EventStub, eventsByNid } from '../../../../storage/rooms/events.ts'
import { applyChanges, diffStates, type StateDifference } from '../../../../storage/state/state.ts'
import { chunks } from '../../../../util/chunks.ts'
import { Turn } from '../../../../util/turn.ts'
import type { Append } from '../../append.ts'
import type { Batch, StateEdit } from '../../entry.ts'
import type { LiveRoom } from '../../live-room.ts'
import { toChange } from '../../persist/states.ts'
import { type Change, changesTo, editsOf } from '../../state/state-difference.ts'

/** Entries of the state that one transaction writes. */
const MAX_AT_ONCE = 150
/** What happened since the join is put upon every piece: where it is more than this, only at the end. */
const MAX_SINCE = 500

interface Deps {
  readonly db: Db
  readonly append: Append
}

/**
 * Completes the state before our join, in pieces, and with it the current one: whoever is a member and has done nothing
 * since. Goes on where it was interrupted. `stubs`: the whole state before the join.
 */
export async function growState(
  { db, append }: Deps,
  room: LiveRoom,
  joinNid: number,
  stubs: readonly EventStub[],
  signal: AbortSignal,
): Promise<void> {
  const partial = await findPartialRoom(db, room.nid)
  const [join] = await eventsByNid(db, [joinNid])
  if (partial?.join_nid !== joinNid || !join) return
  const changes = await changesTo(db, room, stubs, partial.before_nid)
  const turn = new Turn()
  for (const part of chunks(changes, MAX_AT_ONCE)) {
    if (signal.aborted) return
    await append.write(room.roomId, (live) => piece(db, live, joinNid, (join.pos ?? 1) - 1, part))
    if (turn.isOver) await turn.give()
  }
}

/** `pos`: right before the join, when those were members whom we only learn of now. */
async function piece(
  db: Db,
  room: LiveRoom,
  joinNid: number,
  pos: number,
  part: readonly Change[],
): Promise<Batch | undefined> {
  const partial = await findPartialRoom(db, room.nid)
  const { stateNid } = room
  if (partial?.join_nid !== joinNid || stateNid === undefined) return undefined
  const edits = await editsOf(db, room, part)
  const beforeNid = await transact(db, (tx) => applyChanges(tx, partial.before_nid, edits.map(toChange)))
  const nothing = { room, entries: [], extremities: { removed: [], added: [] } }
  const grown = { is: 'grown', beforeNid } as const
  const since = await diffStates(db, partial.before_nid, stateNid)
  if (since.length > MAX_SINCE) return { ...nothing, state: undefined, changes: [], partial: grown }
  const isChanged = new Set(since.map(placeOf))
  const isLeft = ({ event, replaces }: StateEdit) => {
    const row = (event ?? replaces)?.row
    return row !== undefined && !isChanged.has(placeOf({ typeNid: row.type_nid, keyNid: row.key_nid ?? 0 }))
  }
  return {
    ...nothing,
    state: { on: beforeNid, edits: await editsOf(db, room, since) },
    changes: edits
      .filter(isLeft)
      .map((edit) => ({ edit, at: undefined, ...(isMember(edit) && !edit.replaces && { pos }) })),
    partial: grown,
  }
}

const placeOf = ({ typeNid, keyNid }: Pick<StateDifference, 'typeNid' | 'keyNid'>): string => `${typeNid} ${keyNid}`

const isMember = ({ event }: StateEdit): boolean => event?.type === 'm.room.member'
