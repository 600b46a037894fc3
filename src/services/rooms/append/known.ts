import { authTypesFor } from '../../../room/auth-types.ts'
import type { StateLookup } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids, namesOf } from '../../../storage/names.ts'
import { eventsById } from '../../../storage/rooms/events.ts'
import { listAnnotations } from '../../../storage/rooms/relations.ts'
import { listTransactionEvents } from '../../../storage/rooms/transactions.ts'
import type { Draft, SendRequest } from '../draft.ts'
import { txnKey } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { type Relation, relationOf } from '../relation.ts'
import type { StateTuple } from '../state/current-state.ts'
import { STRIPPED_TYPES } from '../state/stripped-state.ts'
import { StoredEvent } from '../stored-event.ts'

/** What must be known of a room before events are built in it. */
export interface Known {
  readonly state: StateLookup<StoredEvent>
  /** What transactions produced before, by `txnKey`. */
  readonly sent: ReadonlyMap<string, StoredEvent>
  /** Annotations that exist, by `annotationKey`. */
  readonly annotations: ReadonlySet<string>
  /** Events of this room that are to be redacted, by id. */
  readonly targets: ReadonlyMap<string, StoredEvent>
}

/** Of a room that is about to be made. */
export const NOTHING_KNOWN: Known = {
  state: () => undefined,
  sent: new Map(),
  annotations: new Set(),
  targets: new Map(),
}

/** One user annotates an event once with each key (spec: Annotations): what is the same here is a duplicate. */
export const annotationKey = (relation: Relation, sender: string, type: string): string =>
  JSON.stringify([relation.parentId, sender, type, relation.key])

/**
 * Loads it for all these requests: one query for each kind of thing that memory does not have. Of the transactions that
 * are no longer in memory hardly one is ever sent again; they are looked up only once a write was refused for them.
 */
export async function loadKnown(
  db: Db,
  room: LiveRoom,
  requests: readonly SendRequest[],
  looksUpTransactions: boolean,
): Promise<Known> {
  return {
    sent: looksUpTransactions ? await loadSent(db, room, requests) : recentlySent(room, requests),
    state: await room.loadState(requests.flatMap(({ draft }) => placesFor(draft, room))),
    annotations: await loadAnnotations(db, room, requests),
    targets: await loadTargets(db, room, requests),
  }
}

function placesFor(draft: Draft, room: LiveRoom): StateTuple[] {
  const places: StateTuple[] = [
    ['m.room.create', ''],
    ['m.room.power_levels', ''],
    ['m.room.member', draft.sender],
  ]
  if (draft.stateKey === undefined) return places
  places.push([draft.type, draft.stateKey])
  if (draft.type === 'm.room.member') {
    places.push(...authTypesFor(skeleton(draft), room.version))
    for (const type of STRIPPED_TYPES) places.push([type, ''])
  }
  return places
}

const skeleton = (draft: Draft) => ({
  type: draft.type,
  sender: draft.sender,
  content: draft.content,
  ...(draft.stateKey !== undefined && { state_key: draft.stateKey }),
  depth: 1,
  origin_server_ts: 0,
  prev_events: [],
  auth_events: [],
})

function recentlySent(room: LiveRoom, requests: readonly SendRequest[]): Known['sent'] {
  let sent: Map<string, StoredEvent> | undefined
  for (const { txn } of requests) {
    const event = txn && room.tail.sentBy(txn)
    if (!event) continue
    sent ??= new Map()
    sent.set(txnKey(txn), event)
  }
  return sent ?? NOTHING_KNOWN.sent
}

async function loadSent(db: Db, room: LiveRoom, requests: readonly SendRequest[]): Promise<Known['sent']> {
  const txns = requests.flatMap(({ txn }) => txn ?? [])
  if (txns.length === 0) return NOTHING_KNOWN.sent
  const rows = await listTransactionEvents(db, room.nid, txns)
  return new Map(
    rows.map(({ device_nid, path_crc, txn_id, ...row }) => [
      txnKey({ deviceNid: device_nid, pathCrc: path_crc, txnId: txn_id }),
      new StoredEvent(row, room.roomId, room.version),
    ]),
  )
}

async function loadAnnotations(
  db: Db,
  room: LiveRoom,
  requests: readonly SendRequest[],
): Promise<Known['annotations']> {
  const wanted = requests.flatMap(({ draft }) => {
    const relation = draft.stateKey === undefined ? relationOf(draft) : undefined
    return relation && relation.key !== null ? { relation, sender: draft.sender } : []
  })
  if (wanted.length === 0) return NOTHING_KNOWN.annotations
  const senders = await nameNids(db, new Set(wanted.map(({ sender }) => sender)))
  if (senders.size === 0) return NOTHING_KNOWN.annotations
  const parents = new Set(wanted.map(({ relation }) => relation.parentId))
  const rows = await listAnnotations(db, room.nid, [...parents], [...senders.values()])
  const names = await namesOf(
    db,
    rows.flatMap((row) => [row.sender_nid, row.type_nid]),
  )
  return new Set(
    rows.map((row) =>
      annotationKey(
        { parentId: row.parent_id, relType: 'm.annotation', key: row.agg_key },
        names.get(row.sender_nid) ?? '',
        names.get(row.type_nid) ?? '',
      ),
    ),
  )
}

async function loadTargets(db: Db, room: LiveRoom, requests: readonly SendRequest[]): Promise<Known['targets']> {
  const ids = requests.flatMap(({ draft }) => draft.redacts ?? [])
  if (ids.length === 0) return NOTHING_KNOWN.targets
  // An event of another room does not exist here: nobody learns of it by trying to redact it.
  const rows = (await eventsById(db, ids)).filter((row) => row.room_nid === room.nid)
  return new Map(rows.map((row) => [row.event_id, new StoredEvent(row, room.roomId, room.version)]))
}
