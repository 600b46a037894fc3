import type { RoomId } from '../../matrix/ids.ts'
import { serverOf } from '../../matrix/ids.ts'
import { isObject } from '../../matrix/json.ts'
import * as events from '../../storage/events.ts'
import type { Tx } from '../../storage/db.ts'
import { internNames } from '../../storage/names.ts'
import * as rooms from '../../storage/rooms.ts'
import { applyChanges } from '../../storage/state/state.ts'
import type { Take } from '../stream.ts'
import type { StoredEvent } from './stored-event.ts'

/** An event on its way into the timeline, with all that its row's neighbours need. */
export interface Entry {
  event: StoredEvent
  authEvents: readonly StoredEvent[]
  /** The state event that it replaces. */
  replaces: StoredEvent | undefined
  txn?: { deviceNid: number; txnId: string }
  /** The event that it redacts, when that one is here and the redaction is allowed. */
  redacts: StoredEvent | undefined
  /** Stripped state for an invite or a knock, as JSON text. */
  strippedState: string | undefined
}

export interface Batch {
  room: { nid: number; roomId: RoomId }
  stateNid: number | undefined
  extremitiesBefore: readonly number[]
  entries: readonly Entry[]
  serverName: string
  now: number
}

/**
 * Writes a chain of events, their effects on the state and everything beside them: names and the shared state first,
 * then the positions, then inserts only (design: Order). Fills in the rows' numbers and positions.
 * Returns the room's state after the last one.
 */
export async function persist(tx: Tx, take: Take, batch: Batch): Promise<number | undefined> {
  const { entries, room } = batch
  const names = await internNames(tx, namesIn(entries))
  const nidOf = (text: string) => names.get(text) as number
  const taken = await take(entries.length, entries.length)

  let stateNid = batch.stateNid
  for (const [index, { event, authEvents }] of entries.entries()) {
    const { row, pdu } = event
    row.room_nid = room.nid
    row.nid = taken.eventNid + index
    row.pos = taken.pos + index
    row.type_nid = nidOf(pdu.type)
    row.sender_nid = nidOf(pdu.sender)
    row.key_nid = event.stateKey === undefined ? null : nidOf(event.stateKey)
    row.auth = JSON.stringify(authEvents.map((auth) => auth.nid))
    row.auth_rank = 1 + authEvents.reduce((highest, auth) => Math.max(highest, auth.row.auth_rank), 0)
    if (row.key_nid !== null) {
      stateNid = await applyChanges(tx, stateNid, [{ typeNid: row.type_nid, keyNid: row.key_nid, eventNid: row.nid }])
    }
    row.state_nid = stateNid ?? null
  }

  await events.insertEvents(
    tx,
    entries.map((entry) => entry.event.row),
  )
  const last = entries.at(-1) as Entry
  await rooms.replaceExtremities(tx, room.nid, batch.extremitiesBefore, [last.event.nid])
  if (stateNid !== undefined && stateNid !== batch.stateNid) await rooms.updateRoomState(tx, room.nid, stateNid)
  for (const entry of entries) await persistEffects(tx, batch, entry, nidOf)
  return stateNid
}

async function persistEffects(tx: Tx, batch: Batch, entry: Entry, nidOf: (text: string) => number): Promise<void> {
  const { event, replaces, txn, redacts } = entry
  const { row, pdu } = event
  const room_nid = batch.room.nid
  if (row.key_nid !== null) {
    await rooms.changeCurrentState(tx, room_nid, {
      pos: event.pos,
      type_nid: row.type_nid,
      key_nid: row.key_nid,
      event_nid: row.nid,
      prev_event_nid: replaces?.nid ?? null,
    })
    if (pdu.type === 'm.room.member') {
      await rooms.upsertMembership(tx, {
        room_nid,
        user_nid: row.key_nid,
        membership: String(pdu.content.membership),
        event_nid: row.nid,
        sender_nid: row.sender_nid,
        pos: event.pos,
        is_local: serverOf(event.stateKey as string) === batch.serverName ? 1 : 0,
        stripped_state: entry.strippedState ?? null,
      })
    }
  }
  const relation = relationOf(event)
  if (relation) {
    await events.insertRelation(tx, {
      parent_id: relation.parentId,
      event_nid: row.nid,
      room_nid,
      rel_type_nid: nidOf(relation.relType),
      type_nid: row.type_nid,
      sender_nid: row.sender_nid,
      agg_key: relation.key,
    })
  }
  if (redacts) await events.updateRedactedBy(tx, redacts.nid, row.nid)
  if (txn) {
    await events.insertTransaction(tx, { ...txn, roomNid: room_nid, eventNid: row.nid, createdTs: batch.now })
  }
}

export interface Relation {
  parentId: string
  relType: string
  /** The key of an annotation. */
  key: string | null
}

/** The relation that an event declares (`m.relates_to` with `rel_type` and `event_id`), if any. */
export function relationOf(event: StoredEvent): Relation | undefined {
  const relates = event.pdu.content['m.relates_to']
  if (!isObject(relates) || event.isState) return undefined
  const { event_id: parentId, rel_type: relType, key } = relates
  if (typeof parentId !== 'string' || typeof relType !== 'string') return undefined
  return { parentId, relType, key: relType === 'm.annotation' && typeof key === 'string' ? key : null }
}

function namesIn(entries: readonly Entry[]): string[] {
  const texts = new Set<string>()
  for (const { event } of entries) {
    texts.add(event.pdu.type)
    texts.add(event.pdu.sender)
    if (event.stateKey !== undefined) texts.add(event.stateKey)
    const relation = relationOf(event)
    if (relation) texts.add(relation.relType)
  }
  return [...texts]
}
