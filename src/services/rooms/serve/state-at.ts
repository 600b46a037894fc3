import { authEventIds, prevEventIds } from '../../../room/event.ts'
import { stateKeyOf } from '../../../room/state-key.ts'
import type { Db } from '../../../storage/db.ts'
import { namesOf } from '../../../storage/names.ts'
import { eventsById } from '../../../storage/rooms/events.ts'
import { findReplacedBy } from '../../../storage/rooms/state-history.ts'
import { loadState, type StateEntry } from '../../../storage/state/state.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import { resolveViews } from '../state/resolve-state.ts'
import { keyOf, type StateView, storedView } from '../state/state-view.ts'
import { Unsaved } from '../state/unsaved.ts'
import { StoredEvent } from '../stored-event.ts'

const ENTRIES_AT_ONCE = 1_000

/** The numbers of the state events before an event; undefined where nobody here knows the state. */
export async function stateBefore(db: Db, room: LiveRoom, event: StoredEvent): Promise<number[] | undefined> {
  const view = await viewBefore(db, room, event)
  return view && nidsOf(db, view)
}

async function viewBefore(db: Db, room: LiveRoom, event: StoredEvent): Promise<StateView | undefined> {
  const after = event.row.state_nid
  if (after === null) return undefined
  if (!event.isState || event.rejected) return storedView(after)
  const previous = prevEventIds(event.pdu)
  const rows = previous.length === 0 ? [] : await eventsById(db, previous)
  const states = rows.flatMap((row) => row.state_nid ?? [])
  if (states.length === new Set(previous).size) {
    if (states.length === 0) return storedView(undefined)
    return resolveViews({ db, room, unsaved: new Unsaved() }, states.map(storedView))
  }
  // It came with the state at a gap: the same without it.
  const before = (await replacedBy(db, room, event)) ?? null
  return { ...storedView(after), overlay: new Map([[keyOf(event), before]]) }
}

/**
 * The event whose place in the state an event took that came with the state at a gap, as its authorisation events name it.
 * What it replaced here may be another one: where ours was put out of a room and joins it anew through a server that never
 * heard of that, others would be told of a ban before the join, and refuse it; and one that never became current replaced
 * nothing.
 */
async function replacedBy(db: Db, room: LiveRoom, event: StoredEvent): Promise<StoredEvent | undefined> {
  const key = keyOf(event)
  const cited = (await eventsById(db, authEventIds(event.pdu)))
    .map((row) => new StoredEvent(row, room.roomId, room.version))
    .find((other) => other.isState && keyOf(other) === key)
  if (cited) return cited
  const row = await findReplacedBy(db, room.nid, event.row)
  return row && new StoredEvent(row, room.roomId, room.version)
}

async function nidsOf(db: Db, { base, overlay }: StateView): Promise<number[]> {
  const over = [...overlay.values()].flatMap((event) => event?.nid ?? [])
  const entries = base === undefined ? [] : await entriesOf(db, base)
  if (overlay.size === 0) return entries.map(({ eventNid }) => eventNid)
  const names = await namesOf(db, new Set(entries.flatMap(({ typeNid, keyNid }) => [typeNid, keyNid])))
  const below = entries.filter(
    ({ typeNid, keyNid }) => !overlay.has(stateKeyOf(names.get(typeNid) ?? '', names.get(keyNid) ?? '')),
  )
  return [...below.map(({ eventNid }) => eventNid), ...over]
}

/** The entries of a state, read page by page with the turn given back between: 20,000 at once take 10 ms. */
async function entriesOf(db: Db, stateNid: number): Promise<StateEntry[]> {
  const entries: StateEntry[] = []
  const turn = new Turn()
  for (;;) {
    const after = entries.at(-1) ?? { typeNid: 0, keyNid: 0 }
    const page = await loadState(db, stateNid, { after, limit: ENTRIES_AT_ONCE })
    entries.push(...page)
    if (page.length < ENTRIES_AT_ONCE) return entries
    if (turn.isOver) await turn.give()
  }
}
