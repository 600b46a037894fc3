import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { redact } from '../../../room/redaction.ts'
import { historyVisibilityOf } from '../../../room/visibility.ts'
import type { Db } from '../../../storage/db.ts'
import { listMemberNidsOfServer } from '../../../storage/memberships.ts'
import { nameNids } from '../../../storage/names.ts'
import { stateEntries } from '../../../storage/state/state.ts'
import type { LiveRoom } from '../live-room.ts'
import { loadEvents } from '../state-view.ts'
import type { StoredEvent } from '../stored-event.ts'

/** Users of one server whose membership decides what the server is shown. */
const MAX_MEMBERS = 5_000

/** An event as other servers get it: pruned when it was redacted. */
export const pduText = (event: StoredEvent): string => (event.isRedacted ? prunedText(event) : event.row.json)

const prunedText = ({ pdu, version }: StoredEvent): string => canonicalJson(redact(pdu, version))

/**
 * Events of the timeline for a server that is in the room, as JSON texts: pruned where none of its users may read them
 * (spec: client-server API, Room history visibility). Hidden they are not: the server needs their place in the room.
 */
export async function shownTo(
  db: Db,
  room: LiveRoom,
  server: string,
  events: readonly StoredEvent[],
): Promise<string[]> {
  const isOpen = await openStates(db, room, server, events)
  return events.map((event) => (isOpen(event) ? pduText(event) : prunedText(event)))
}

async function openStates(db: Db, room: LiveRoom, server: string, events: readonly StoredEvent[]) {
  const names = await nameNids(db, ['m.room.history_visibility', 'm.room.member', ''])
  const [visibilityNid, memberNid, emptyNid] = [...['m.room.history_visibility', 'm.room.member', '']].map((name) =>
    names.get(name),
  )
  const stateNids = [...new Set(events.flatMap(({ row }) => row.state_nid ?? []))]
  const open = new Set<number>()
  for (const stateNid of stateNids) {
    const found =
      visibilityNid === undefined || emptyNid === undefined
        ? []
        : await stateEntries(db, stateNid, [{ typeNid: visibilityNid, keyNid: emptyNid }])
    const loaded = await loadEvents(
      db,
      found.map(({ eventNid }) => eventNid),
      room,
    )
    const visibility = historyVisibilityOf([...loaded.values()][0]?.pdu)
    if (visibility === 'shared' || visibility === 'world_readable') open.add(stateNid)
    else if (memberNid !== undefined && (await mayRead(stateNid, memberNid, visibility))) open.add(stateNid)
  }

  let memberNids: number[] | undefined
  async function mayRead(stateNid: number, typeNid: number, visibility: 'invited' | 'joined'): Promise<boolean> {
    memberNids ??= await listMemberNidsOfServer(db, room.nid, server, MAX_MEMBERS)
    const members = await stateEntries(
      db,
      stateNid,
      memberNids.map((keyNid) => ({ typeNid, keyNid })),
    )
    const loaded = await loadEvents(
      db,
      members.map(({ eventNid }) => eventNid),
      room,
    )
    return [...loaded.values()].some(
      ({ membership }) => membership === 'join' || (visibility === 'invited' && membership === 'invite'),
    )
  }
  // What no state is known of is itself a part of some state.
  return ({ row }: StoredEvent): boolean => row.state_nid === null || open.has(row.state_nid)
}
