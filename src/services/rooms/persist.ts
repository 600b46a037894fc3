import { serverOf } from '../../matrix/ids.ts'
import { changeCurrentState } from '../../storage/current-state.ts'
import type { Tx } from '../../storage/db.ts'
import * as events from '../../storage/events.ts'
import * as memberships from '../../storage/memberships.ts'
import { internNames } from '../../storage/names.ts'
import * as rooms from '../../storage/rooms.ts'
import { insertTransactions } from '../../storage/transactions.ts'
import type { Take } from '../stream.ts'
import type { Batch, Entry } from './entry.ts'
import { persistRelations } from './persist-relations.ts'
import { persistState, placeOf } from './persist-state.ts'
import { relationOf } from './relation.ts'
import { persistAccess } from './room-access.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * A batch was made without knowing of what the tables hold: another process has appended to its room, or a transaction
 * id in it was used before. The room is to be loaded again and the batch to be made anew.
 */
export class StaleRoom extends Error {
  override readonly name = 'StaleRoom'
  /** The rooms whose batches it is; all of them when it is not known. */
  readonly roomNids: ReadonlySet<number>
  constructor(roomNids: Iterable<number>) {
    super('A room was not as it was thought to be')
    this.roomNids = new Set(roomNids)
  }
}

export interface Persisted {
  /** The room's state afterwards; undefined: as before. */
  stateNid: number | undefined
  /** The last position that the batch took; undefined: none. */
  lastPos: number | undefined
}

interface Site {
  serverName: string
  now: number
}

/** The number of an interned text. */
type NidOf = (text: string) => number

/**
 * Writes the batches of different rooms with everything beside the events: names first, then the positions, then inserts
 * only, each of the rows of all rooms at once (design: Order). Fills in the rows of the entries.
 */
export async function persist(tx: Tx, take: Take, batches: readonly Batch[], site: Site): Promise<Persisted[]> {
  const entries = batches.flatMap((batch) => batch.entries)
  const nids = await internNames(tx, namesIn(entries))
  const nidOf: NidOf = (text) => nids.get(text) as number
  const counts = batches.map(countPositions)
  const total = counts.reduce((sum, { visible, loose }) => sum + visible + loose, 0)
  let { pos, eventNid } = await take(total, entries.length)

  const lastPositions = batches.map((batch, index) => {
    const { visible, loose } = counts[index] as (typeof counts)[number]
    number(batch, pos, eventNid, nidOf)
    pos += visible + loose
    eventNid += batch.entries.length
    return visible + loose === 0 ? undefined : pos - 1
  })
  const isCurrent = await rooms.replaceExtremities(
    tx,
    batches.flatMap(({ room, extremities }) => extremities.removed.map(({ nid }) => [room.nid, nid] as const)),
    batches.flatMap(({ room, extremities }) => extremities.added.map(({ nid }) => [room.nid, nid] as const)),
  )
  if (!isCurrent) throw new StaleRoom(batches.map(({ room }) => room.nid))
  const persisted: Persisted[] = []
  for (const [index, batch] of batches.entries()) {
    persisted.push({ stateNid: await persistState(tx, batch), lastPos: lastPositions[index] })
  }
  await events.insertEvents(
    tx,
    entries.map(({ event }) => event.row),
  )
  await persistChanges(tx, batches, lastPositions, site)
  await persistRelations(tx, entries, nidOf)
  await persistRedactions(tx, entries)
  await persistTransactions(tx, entries, site)
  return persisted
}

function countPositions({ entries, changes }: Batch) {
  let visible = 0
  for (const { event } of entries) if (event.isTimeline) visible++
  return { visible, loose: changes.some(({ at }) => at === undefined) ? 1 : 0 }
}

/** Gives every entry its numbers. */
function number({ room, entries }: Batch, firstPos: number, firstNid: number, nidOf: NidOf): void {
  let pos = firstPos
  let nid = firstNid
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
}

/** The changes of the current state, and the memberships, which are a part of it. */
async function persistChanges(
  tx: Tx,
  batches: readonly Batch[],
  lastPositions: readonly (number | undefined)[],
  { serverName }: Site,
): Promise<void> {
  const rows: Parameters<typeof changeCurrentState>[1][number][] = []
  const members: Parameters<typeof memberships.upsertMemberships>[1][number][] = []
  for (const [index, { room, changes }] of batches.entries()) {
    for (const { edit, at } of changes) {
      const { event, replaces } = edit
      const { typeNid, keyNid } = placeOf(edit)
      // The position of what no entry brings about is the batch's last.
      const pos = at?.event.pos ?? lastPositions[index] ?? 0
      rows.push({
        room_nid: room.nid,
        pos,
        type_nid: typeNid,
        key_nid: keyNid,
        event_nid: event?.nid ?? null,
        prev_event_nid: replaces?.nid ?? null,
      })
      if ((event ?? replaces)?.type !== 'm.room.member') continue
      if (!event) await memberships.deleteMembership(tx, room.nid, keyNid)
      else members.push(memberRow(event, pos, at?.event === event ? at.strippedState : undefined, serverName))
    }
  }
  if (rows.length > 0) await changeCurrentState(tx, rows)
  if (members.length > 0) await memberships.upsertMemberships(tx, members)
  for (const { room, changes } of batches) {
    if (changes.length > 0)
      await persistAccess(
        tx,
        room.nid,
        changes.map(({ edit }) => edit),
      )
  }
}

const memberRow = (event: StoredEvent, pos: number, strippedState: string | undefined, serverName: string) => ({
  room_nid: event.row.room_nid,
  user_nid: event.row.key_nid ?? 0,
  membership: event.membership ?? 'leave',
  event_nid: event.nid,
  sender_nid: event.row.sender_nid,
  pos,
  is_local: serverOf(event.stateKey ?? '') === serverName ? 1 : 0,
  stripped_state: strippedState ?? null,
})

async function persistRedactions(tx: Tx, entries: readonly Entry[]): Promise<void> {
  for (const { event, redacts } of entries) {
    if (!redacts || !event.isTimeline) continue
    if (redacts.target) await events.updateRedactedBy(tx, redacts.target.nid, event.nid)
    else await events.insertPendingRedaction(tx, redacts.eventId, event.nid)
  }
}

async function persistTransactions(tx: Tx, entries: readonly Entry[], { now }: Site): Promise<void> {
  const rows = entries.flatMap(({ txn, event }) => {
    if (!txn) return []
    return {
      device_nid: txn.deviceNid,
      room_nid: event.row.room_nid,
      txn_id: txn.txnId,
      event_nid: event.nid,
      created_ts: now,
    }
  })
  if (rows.length === 0) return
  const refused = await insertTransactions(tx, rows)
  if (refused.length > 0) throw new StaleRoom(refused.map((row) => row.room_nid))
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
