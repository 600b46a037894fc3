import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { type EventSigner, isUnsigned, signLate } from '../../../room/signing.ts'
import { historyVisibilityOf } from '../../../room/visibility.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid, listEventIds } from '../../../storage/rooms/events.ts'
import { listMemberNidsOfServer } from '../../../storage/rooms/memberships.ts'
import { type StateKey, stateEntries } from '../../../storage/state/state.ts'
import { chunks } from '../../../util/chunks.ts'
import { LongText } from '../../../util/long-text.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import { loadEvents } from '../state/state-view.ts'
import { StoredEvent } from '../stored-event.ts'

/** Users of one server whose membership decides what the server is shown. */
const MAX_MEMBERS = 5_000
const EVENTS_AT_ONCE = 200
const IDS_AT_ONCE = 500
const HISTORY_VISIBILITY = 'm.room.history_visibility'
const MEMBER = 'm.room.member'

/** An event as other servers get it: pruned when it was redacted, signed if it never was (see `buildEvent`). */
export function pduText(event: StoredEvent, { serverName, signingKey }: EventSigner): string {
  const { version } = event
  if (!event.isState && isUnsigned(event.pdu)) {
    return canonicalJson(signLate(event.visible, version, serverName, signingKey))
  }
  return event.isRedacted ? canonicalJson(event.visible) : event.row.json
}

/** Such events of a room as JSON texts, separated by commas. */
export async function pduTexts(
  db: Db,
  room: LiveRoom,
  nids: readonly number[],
  signer: EventSigner,
): Promise<LongText> {
  const texts = new LongText()
  const turn = new Turn()
  for (const part of chunks(nids, EVENTS_AT_ONCE)) {
    for (const row of await eventsByNid(db, part)) {
      texts.pushItem(pduText(new StoredEvent(row, room.roomId, room.version), signer))
    }
    if (turn.isOver) await turn.give()
  }
  return texts
}

/** The ids of events, likewise. */
export async function idTexts(db: Db, nids: readonly number[]): Promise<LongText> {
  const texts = new LongText()
  const turn = new Turn()
  for (const part of chunks(nids, IDS_AT_ONCE)) {
    for (const id of await listEventIds(db, part)) texts.pushItem(JSON.stringify(id))
    if (turn.isOver) await turn.give()
  }
  return texts
}

/**
 * Events of the timeline for a server that is in the room, as JSON texts: pruned where none of its users may read them
 * (spec: client-server API, Room history visibility). Hidden they are not: the server needs their place in the room.
 */
export async function shownTo(
  db: Db,
  room: LiveRoom,
  server: string,
  events: readonly StoredEvent[],
  signer: EventSigner,
): Promise<string[]> {
  const isOpen = await openStates(db, room, server, events)
  return events.map((event) => pduText(isOpen(event) ? event : event.pruned(), signer))
}

async function openStates(db: Db, room: LiveRoom, server: string, events: readonly StoredEvent[]) {
  const texts: string[] = [HISTORY_VISIBILITY, MEMBER, '']
  const names = await nameNids(db, texts)
  const [visibilityNid, memberNid, emptyNid] = texts.map((text) => names.get(text) ?? 0)
  const eventsIn = async (stateNid: number, keys: readonly StateKey[]) => {
    const entries = await stateEntries(db, stateNid, keys)
    const nids = entries.map(({ eventNid }) => eventNid)
    return [...(await loadEvents(db, nids, room)).values()]
  }
  const open = new Set<number>()
  let members: StateKey[] | undefined
  for (const stateNid of new Set(events.flatMap(({ row }) => row.state_nid ?? []))) {
    const [setting] = await eventsIn(stateNid, [{ typeNid: visibilityNid ?? 0, keyNid: emptyNid ?? 0 }])
    const visibility = historyVisibilityOf(setting?.pdu)
    if (visibility === 'joined' || visibility === 'invited') {
      members ??= (await listMemberNidsOfServer(db, room.nid, server, MAX_MEMBERS)).map((keyNid) => ({
        typeNid: memberNid ?? 0,
        keyNid,
      }))
      const ofServer = await eventsIn(stateNid, members)
      const mayRead = ofServer.some(
        ({ membership }) => membership === 'join' || (visibility === 'invited' && membership === 'invite'),
      )
      if (!mayRead) continue
    }
    open.add(stateNid)
  }
  // What no state is known of is itself a part of some state.
  return ({ row }: StoredEvent): boolean => row.state_nid === null || open.has(row.state_nid)
}
