import { serverOf } from '../../../matrix/ids.ts'
import { takeBack } from '../../../storage/counter.ts'
import type { Tx } from '../../../storage/db.ts'
import { internNames, nidOf } from '../../../storage/names.ts'
import * as events from '../../../storage/rooms/events.ts'
import { deleteMissing, insertMissing } from '../../../storage/rooms/missing-events.ts'
import * as rooms from '../../../storage/rooms/rooms.ts'
import { insertTimelineGaps } from '../../../storage/rooms/timeline-gaps.ts'
import { insertTransactions, sendTransactions } from '../../../storage/rooms/transactions.ts'
import { insertSearchAgain } from '../../../storage/search/again.ts'
import type { Take } from '../../stream.ts'
import { type Batch, type Entry, gapsIn, keepsPlace } from '../entry.ts'
import { relationOf } from '../relation.ts'
import { persistChanges } from './changes.ts'
import { persistOutgoing } from './outgoing.ts'
import { persistPartial } from './partial.ts'
import { persistRedactions } from './redactions.ts'
import { persistRelations } from './relations.ts'
import { persistState } from './states.ts'

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

/**
 * Writes the batches of different rooms with everything beside the events: names first, then the positions, then inserts
 * only, each of the rows of all rooms at once (design: Order). What a message needs is sent, not awaited. Fills in the
 * rows of the entries.
 */
export async function persist(tx: Tx, take: Take, batches: readonly Batch[], site: Site): Promise<Persisted[]> {
  const entries = batches.flatMap((batch) => batch.entries)
  const names = await internNames(tx, namesIn(entries, batches))
  const counts = batches.map(countPositions)
  const sum = (of: keyof (typeof counts)[number]) => counts.reduce((total, count) => total + count[of], 0)
  let { pos, eventNid } = await take(sum('visible') + sum('loose'), sum('created'))
  let backPos = sum('past') === 0 ? 0 : await takeBack(tx, sum('past'))

  const lastPositions = batches.map((batch, index) => {
    const { visible, loose, past, created } = counts[index] as (typeof counts)[number]
    number(batch, batch.isHistory ? backPos : pos, eventNid, names)
    pos += visible + loose
    backPos += past
    eventNid += created
    return visible + loose === 0 ? undefined : pos - 1
  })
  rooms.replaceExtremities(
    tx,
    batches.flatMap(({ room, extremities }) => extremities.removed.map(({ nid }) => [room.nid, nid] as const)),
    batches.flatMap(({ room, extremities }) => extremities.added.map(({ nid }) => [room.nid, nid] as const)),
    () => new StaleRoom(batches.map(({ room }) => room.nid)),
  )
  const persisted: Persisted[] = []
  for (const [index, batch] of batches.entries()) {
    persisted.push({ stateNid: await persistState(tx, batch), lastPos: lastPositions[index] })
  }
  const rowsOf = (wasStored: boolean) =>
    entries.flatMap(({ event, isStored = false }) => (isStored === wasStored ? event.row : []))
  await events.supersede(
    tx,
    batches.flatMap(({ superseded = [] }) => superseded),
  )
  events.sendEvents(tx, rowsOf(false))
  await events.updateStandings(tx, rowsOf(true))
  await insertSearchAgain(
    tx,
    entries.flatMap(({ event, isStored, rejudged }) =>
      isStored ? { event_nid: event.nid, was_at: rejudged?.wasAt ?? null } : [],
    ),
  )
  await persistMissing(tx, batches)
  await persistOutgoing(tx, batches, site.serverName)
  await persistChanges(tx, batches, lastPositions, site.serverName, names)
  await persistPartial(tx, batches, lastPositions, site)
  await persistRelations(tx, entries, names)
  await persistRedactions(tx, entries)
  await persistTransactions(tx, entries, site)
  return persisted
}

function countPositions({ entries, changes, isHistory, partial }: Batch) {
  let shown = 0
  let created = 0
  for (const entry of entries) {
    if (entry.event.isTimeline && !keepsPlace(entry)) shown++
    if (!entry.isStored) created++
  }
  const isLoose = changes.some(({ at, pos }) => !at?.event.isTimeline && pos === undefined)
  const loose = isLoose || partial?.is === 'whole' ? 1 : 0
  return { visible: isHistory ? 0 : shown, past: isHistory ? shown : 0, loose, created }
}

/** Gives every entry its numbers. */
function number(
  { room, entries }: Batch,
  firstPos: number,
  firstNid: number,
  names: ReadonlyMap<string, number>,
): void {
  let pos = firstPos
  let nid = firstNid
  for (const entry of entries) {
    const { event, authEvents, isStored, isOutside } = entry
    const { row, pdu } = event
    if (!keepsPlace(entry)) row.pos = event.isTimeline ? pos++ : null
    if (isStored) continue
    row.room_nid = room.nid
    row.nid = nid++
    row.type_nid = nidOf(names, pdu.type)
    row.sender_nid = nidOf(names, pdu.sender)
    row.key_nid = event.stateKey === undefined ? null : nidOf(names, event.stateKey)
    row.auth = JSON.stringify(authEvents.map((auth) => auth.nid))
    row.auth_rank = isOutside ? 0 : 1 + authEvents.reduce((highest, auth) => Math.max(highest, auth.row.auth_rank), 0)
  }
}

async function persistMissing(tx: Tx, batches: readonly Batch[]): Promise<void> {
  for (const { room, entries, filled = [] } of batches) {
    if (filled.length > 0) await deleteMissing(tx, room.nid, filled)
    const missing = entries.flatMap(({ event, missing = [] }) =>
      missing.map((eventId) => ({ room_nid: room.nid, event_id: eventId, referrer_nid: event.nid })),
    )
    if (missing.length > 0) await insertMissing(tx, missing)
    const gaps = gapsIn(entries).map((pos) => ({ room_nid: room.nid, pos }))
    if (gaps.length > 0) await insertTimelineGaps(tx, gaps)
  }
}

async function persistTransactions(tx: Tx, entries: readonly Entry[], { now }: Site): Promise<void> {
  const rows = entries.flatMap(({ txn, event }) => {
    if (!txn) return []
    return {
      device_nid: txn.deviceNid,
      room_nid: event.row.room_nid,
      path_crc: txn.pathCrc,
      txn_id: txn.txnId,
      event_nid: event.nid,
      created_ts: now,
    }
  })
  if (rows.length === 0) return
  const roomNids = new Set(rows.map((row) => row.room_nid))
  // In one room it need not be asked whose was refused.
  if (roomNids.size === 1) return sendTransactions(tx, rows, () => new StaleRoom(roomNids))
  const refused = await insertTransactions(tx, rows)
  if (refused.length > 0) throw new StaleRoom(refused.map((row) => row.room_nid))
}

function namesIn(entries: readonly Entry[], batches: readonly Batch[]): Set<string> {
  const texts = new Set<string>()
  for (const { changes } of batches) {
    for (const { edit } of changes) {
      const member = edit.event ?? edit.replaces
      if (member?.type === 'm.room.member') texts.add(serverOf(member.stateKey ?? ''))
    }
  }
  for (const { event } of entries) {
    texts.add(event.pdu.type)
    texts.add(event.pdu.sender)
    if (event.stateKey !== undefined) texts.add(event.stateKey)
    const relation = relationOf(event.pdu)
    if (relation) texts.add(relation.relType)
  }
  return texts
}
