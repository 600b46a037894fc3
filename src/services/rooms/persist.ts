import { serverOf } from '../../matrix/ids.ts'
import { changeCurrentState } from '../../storage/current-state.ts'
import type { Tx } from '../../storage/db.ts'
import * as events from '../../storage/events.ts'
import * as memberships from '../../storage/memberships.ts'
import { internNames } from '../../storage/names.ts'
import { deleteRelation, insertRelations } from '../../storage/relations.ts'
import * as rooms from '../../storage/rooms.ts'
import type { StateChange } from '../../storage/state/entry.ts'
import { applyChanges } from '../../storage/state/state.ts'
import { insertTransactions } from '../../storage/transactions.ts'
import type { Take } from '../stream.ts'
import type { Batch, Entry, StateEdit, StateRef } from './entry.ts'
import { relationOf } from './relation.ts'
import { persistAccess } from './room-access.ts'
import type { StoredEvent } from './stored-event.ts'

/** Another process has appended to the room since it was loaded: load it again and begin anew. */
export class StaleRoom extends Error {
  override readonly name = 'StaleRoom'
}

interface Site {
  serverName: string
  now: number
}

export interface Persisted {
  /** The room's state afterwards; undefined: as before. */
  stateNid: number | undefined
  /** The last position that the batch took; undefined: none. */
  lastPos: number | undefined
}

/**
 * Writes a batch with everything beside the events: names first, then the positions, then inserts only, of many rows at
 * once (design: Order). Fills in the rows of the entries.
 */
export async function persist(tx: Tx, take: Take, batch: Batch, site: Site): Promise<Persisted> {
  const { room, entries, changes, extremities } = batch
  const nids = await internNames(tx, namesIn(entries))
  const nidOf = (text: string) => nids.get(text) as number
  const loose = changes.some(({ at }) => at === undefined) ? 1 : 0
  const positions = entries.filter(({ event }) => event.isTimeline).length + loose
  const taken = await take(positions, entries.length)
  const next = number(batch, taken, nidOf)
  const isCurrent = await rooms.replaceExtremities(
    tx,
    room.nid,
    extremities.removed.map(({ nid }) => nid),
    extremities.added.map(({ nid }) => nid),
  )
  if (!isCurrent) throw new StaleRoom(room.roomId)
  const stateNid = await persistStates(tx, batch)

  await events.insertEvents(
    tx,
    entries.map(({ event }) => event.row),
  )
  if (stateNid !== undefined) await rooms.updateRoomState(tx, room.nid, stateNid)
  if (changes.length > 0) await persistChanges(tx, batch, site, next)
  await persistRelations(tx, batch, nidOf)
  await persistRedactions(tx, entries)
  const txns = entries.filter(({ txn }) => txn !== undefined)
  if (txns.length > 0) {
    await insertTransactions(
      tx,
      txns.map(({ txn, event }) => ({
        device_nid: txn?.deviceNid ?? 0,
        room_nid: room.nid,
        txn_id: txn?.txnId ?? '',
        event_nid: event.nid,
        created_ts: site.now,
      })),
    )
  }
  return { stateNid, lastPos: positions === 0 ? undefined : taken.pos + positions - 1 }
}

/** Gives every entry its numbers; returns the position after the last one. */
function number({ room, entries }: Batch, taken: { pos: number; eventNid: number }, nidOf: (text: string) => number) {
  let pos = taken.pos
  let nid = taken.eventNid
  for (const { event, authEvents } of entries) {
    const { row, pdu } = event
    row.room_nid = room.nid
    row.nid = nid++
    row.pos = event.isTimeline ? pos++ : null
    row.type_nid = nidOf(pdu.type)
    row.sender_nid = nidOf(pdu.sender)
    row.key_nid = event.stateKey === undefined ? null : nidOf(event.stateKey)
    row.auth = JSON.stringify(authEvents.map((auth) => auth.nid))
    row.auth_rank = 1 + authEvents.reduce((highest, auth) => Math.max(highest, auth.row.auth_rank), 0)
  }
  return pos
}

/** Stores the state after each entry, and after all of them. An event that is no state event shares the one before it. */
async function persistStates(tx: Tx, { entries, state }: Batch): Promise<number | undefined> {
  const after = new Map<Entry, number | undefined>()
  const store = async ({ on, edits }: StateRef): Promise<number | undefined> => {
    const base = typeof on === 'object' ? after.get(on) : on
    return edits.length === 0 ? base : applyChanges(tx, base, edits.map(toChange))
  }
  for (const entry of entries) {
    const { event, before } = entry
    if (!before) continue
    const changesState = event.isState && !event.rejected
    const own: StateEdit[] = changesState ? [{ event, replaces: undefined }] : []
    const stateNid = await store({ on: before.on, edits: [...before.edits, ...own] })
    after.set(entry, stateNid)
    event.row.state_nid = stateNid ?? null
  }
  return state && store(state)
}

const toChange = (edit: StateEdit): StateChange => ({ ...placeOf(edit), eventNid: edit.event?.nid ?? null })

function placeOf({ event, replaces }: StateEdit): { typeNid: number; keyNid: number } {
  const row = (event ?? replaces)?.row
  if (!row || row.key_nid === null) throw new Error('An edit of a state needs a state event')
  return { typeNid: row.type_nid, keyNid: row.key_nid }
}

async function persistChanges(tx: Tx, { room, changes }: Batch, { serverName }: Site, loosePos: number): Promise<void> {
  const rows = changes.map(({ edit, at }) => {
    const { typeNid, keyNid } = placeOf(edit)
    return {
      pos: at?.event.pos ?? loosePos,
      type_nid: typeNid,
      key_nid: keyNid,
      event_nid: edit.event?.nid ?? null,
      prev_event_nid: edit.replaces?.nid ?? null,
    }
  })
  await changeCurrentState(tx, room.nid, rows)
  const members: Parameters<typeof memberships.upsertMemberships>[1][number][] = []
  for (const [index, { edit, at }] of changes.entries()) {
    const { event } = edit
    if ((event ?? edit.replaces)?.type !== 'm.room.member') continue
    const { pos, key_nid } = rows[index] as (typeof rows)[number]
    if (!event) {
      await memberships.deleteMembership(tx, room.nid, key_nid)
      continue
    }
    members.push({
      room_nid: room.nid,
      user_nid: key_nid,
      membership: event.membership ?? 'leave',
      event_nid: event.nid,
      sender_nid: event.row.sender_nid,
      pos,
      is_local: isLocalUser(event, serverName) ? 1 : 0,
      stripped_state: at?.event === event ? (at.strippedState ?? null) : null,
    })
  }
  if (members.length > 0) await memberships.upsertMemberships(tx, members)
  await persistAccess(
    tx,
    room.nid,
    changes.map(({ edit }) => edit),
  )
}

const isLocalUser = (member: StoredEvent, serverName: string) => serverOf(member.stateKey ?? '') === serverName

async function persistRelations(tx: Tx, { room, entries }: Batch, nidOf: (text: string) => number): Promise<void> {
  const rows = entries.flatMap(({ event: { nid, row, pdu, isTimeline } }) => {
    const relation = isTimeline ? relationOf(pdu) : undefined
    if (!relation) return []
    const { parentId, relType, key } = relation
    return [
      {
        room_nid: room.nid,
        parent_id: parentId,
        pos: row.pos ?? 0,
        event_nid: nid,
        rel_type_nid: nidOf(relType),
        type_nid: row.type_nid,
        sender_nid: row.sender_nid,
        agg_key: key,
      },
    ]
  })
  if (rows.length > 0) await insertRelations(tx, rows)
}

async function persistRedactions(tx: Tx, entries: readonly Entry[]): Promise<void> {
  for (const { event, redacts } of entries) {
    if (!redacts || !event.isTimeline) continue
    const { target } = redacts
    if (!target) {
      await events.insertPendingRedaction(tx, redacts.eventId, event.nid)
      continue
    }
    await events.updateRedactedBy(tx, target.nid, event.nid)
    const relation = target.isTimeline ? relationOf(target.pdu) : undefined
    if (relation) {
      const { room_nid, pos, nid } = target.row
      await deleteRelation(tx, { room_nid, parent_id: relation.parentId, pos: pos ?? 0, event_nid: nid })
    }
  }
}

function namesIn(entries: readonly Entry[]): Set<string> {
  const texts = new Set<string>()
  for (const { event } of entries) {
    texts.add(event.pdu.type)
    texts.add(event.pdu.sender)
    if (event.stateKey !== undefined) texts.add(event.stateKey)
    const relation = relationOf(event.pdu)
    if (relation) texts.add(relation.relType)
  }
  return texts
}
