import type { RoomId } from '../../../../matrix/ids.ts'
import { prevEventIds } from '../../../../room/event.ts'
import { findPartialRoom, listPartialEvents } from '../../../../storage/federation/partial-rooms.ts'
import { EVENT_KIND, type EventRow } from '../../../../storage/rooms/events.ts'
import { Turn } from '../../../../util/turn.ts'
import type { LiveRoom } from '../../live-room.ts'
import { heldIncoming, type Incoming } from '../../receive/incoming.ts'
import type { FetchDeps } from '../../receive/missing-auth.ts'
import { notHere } from '../../receive/open-gaps.ts'
import { ReceivedChain } from '../../receive/received-chain.ts'
import { wholeStateAt } from '../../receive/state-at-gap.ts'
import { type StateView, storedView } from '../../state/state-view.ts'
import type { JudgedEvents } from './judged-events.ts'

/** Events of one transaction. */
const MAX_AT_ONCE = 50
/** Gaps whose states are asked for again, for the events of one transaction. */
const MAX_GAPS = 10

interface Deps extends FetchDeps {
  /** Who tells the states at gaps. */
  readonly server: string
}

/**
 * Judges again what has come in since our join, in the order in which it came, now that the state before the join is
 * whole: steps 4 and 5 of the specification (server-server API, Checks performed on receipt of a PDU). Can be repeated.
 * Notes in `judged` what became of each; gives the number of events.
 */
export async function rejudge(
  deps: Deps,
  room: LiveRoom,
  joinNid: number,
  judged: JudgedEvents,
  signal: AbortSignal,
): Promise<number> {
  let count = 0
  while (!signal.aborted) {
    const page = await listPartialEvents(deps.db, joinNid, judged.lastSeq, MAX_AT_ONCE)
    const last = page.at(-1)
    if (!last) break
    const gaps = await statesAtGaps(deps, room, joinNid, page, signal)
    await rejudgePage(deps, room.roomId, joinNid, page, gaps, judged)
    judged.lastSeq = last.seq
    count += page.length
  }
  return count
}

async function rejudgePage(
  { db, append }: Deps,
  roomId: RoomId,
  joinNid: number,
  page: readonly EventRow[],
  gaps: ReadonlyMap<string, StateView>,
  judged: JudgedEvents,
): Promise<void> {
  const { softFailed } = EVENT_KIND
  await append.write(roomId, async (room) => {
    const partial = await findPartialRoom(db, room.nid)
    if (partial?.join_nid !== joinNid) return undefined
    const events: Incoming[] = page.map((row) => heldIncoming(row.event_id, row.json, room.version))
    const join = page.find((row) => row.nid === joinNid)
    const chain = await ReceivedChain.begin(db, room, events, {
      isAgain: true,
      gaps,
      befores: new Map(join && [[join.event_id, storedView(partial.before_nid)]]),
      // The policy server's advice stands, whoever the members are.
      unwanted: new Set(page.flatMap((row) => (row.kind === softFailed ? row.event_id : []))),
    })
    const turn = new Turn()
    for (const [index, event] of events.entries()) {
      const outcome = await chain.add(event)
      const isShown = outcome.is === 'missing' ? page[index]?.kind === EVENT_KIND.timeline : outcome.is === 'accepted'
      judged.note(event, isShown)
      if (turn.isOver) await turn.give()
    }
    return chain.batch()
  })
}

/** The states after what these events follow and what is not here. */
async function statesAtGaps(
  deps: Deps,
  room: LiveRoom,
  joinNid: number,
  page: readonly EventRow[],
  signal: AbortSignal,
): Promise<Map<string, StateView>> {
  const own = new Set(page.map((row) => row.event_id))
  const later = page.filter((row) => row.nid !== joinNid)
  const previous = later.flatMap((row) => prevEventIds(heldIncoming(row.event_id, row.json, room.version).pdu))
  const outer = [...new Set(previous)].filter((id) => !own.has(id))
  const missing = await notHere(deps, room, outer)
  const gaps = new Map<string, StateView>()
  for (const id of [...missing].slice(0, MAX_GAPS)) {
    const view = await wholeStateAt(deps, deps.server, room, id, 'after', signal)
    if (view) gaps.set(id, view)
  }
  return gaps
}
