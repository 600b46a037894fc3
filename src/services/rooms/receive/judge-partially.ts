import type { RoomEvent, Verdict } from '../../../room/event.ts'
import type { StateEdit } from '../entry.ts'
import type { ResolveDeps } from '../state/resolution.ts'
import { resolveViews } from '../state/resolve-state.ts'
import { editedView, type StateView, ViewReader } from '../state/state-view.ts'
import type { StoredEvent } from '../stored-event.ts'
import { judgeByState, placesFor, withMembersIn } from './judge.ts'

/**
 * Step 5 where the state before the event lacks members (MSC3902): it is judged by that state, resolved with its own auth
 * events. Resolving costs reading, and the two agree nearly always: it is done only where what stands in the state
 * refuses the event, which may be there because somebody was believed who is not in the room.
 */
export async function judgeByPartialState(
  deps: ResolveDeps,
  event: RoomEvent,
  auth: ReadonlyMap<string, StoredEvent>,
  before: StateView,
): Promise<Verdict> {
  const { db, room } = deps
  const reader = new ViewReader(db, room)
  const places = placesFor(event.pdu, room.version)
  const state = await reader.lookup(before, places)
  const verdict = judgeByState(event, withMembersIn(auth, state), room.version)
  if (verdict === undefined) return undefined
  const edits = [...auth.values()].flatMap((one): StateEdit[] => {
    const replaces = state(one.type, one.stateKey ?? '') as StoredEvent | undefined
    return replaces?.eventId === one.eventId ? [] : [{ event: one, replaces }]
  })
  if (edits.every(({ replaces }) => replaces === undefined)) return verdict
  const resolved = await resolveViews(deps, [before, editedView(before, edits)])
  return judgeByState(event, withMembersIn(auth, await reader.lookup(resolved, places)), room.version)
}
