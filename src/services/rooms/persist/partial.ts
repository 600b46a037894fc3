import type { Tx } from '../../../storage/db.ts'
import * as partial from '../../../storage/federation/partial-rooms.ts'
import { internNames } from '../../../storage/names.ts'
import type { Batch, PartialStep } from '../entry.ts'

interface Site {
  serverName: string
  now: number
}

/**
 * Writes what is known of rooms without most of their members: the steps of batches, and the events that are to be
 * judged again once all members are known. `lastPositions`: the last one that each batch took.
 */
export async function persistPartial(
  tx: Tx,
  batches: readonly Batch[],
  lastPositions: readonly (number | undefined)[],
  site: Site,
): Promise<void> {
  for (const [index, batch] of batches.entries()) {
    const { room, partial: step } = batch
    if (step) await persistStep(tx, batch, step, lastPositions[index] ?? 0, site)
    const isOver = step?.is === 'whole' || step?.is === 'abandoned'
    const joinNid = step?.is === 'begun' ? batch.entries[0]?.event.nid : room.partialJoinNid
    if (joinNid === undefined || isOver) continue
    const judged = batch.entries.filter(({ before, rejudged }) => before && !rejudged)
    if (judged.length > 0 && !batch.isHistory) {
      const nids = judged.map(({ event }) => event.nid)
      await partial.insertPartialEvents(tx, joinNid, nids)
    }
  }
}

async function persistStep(tx: Tx, batch: Batch, step: PartialStep, lastPos: number, site: Site): Promise<void> {
  const { nid, partialJoinNid } = batch.room
  if (step.is === 'grown') return partial.updatePartialBefore(tx, nid, step.beforeNid)
  await partial.deletePartialRoom(tx, nid)
  await partial.deletePresumedServers(tx, nid)
  if (step.is === 'begun') await begin(tx, batch, step, lastPos, site)
  if (step.is !== 'whole') return
  if (partialJoinNid !== undefined) await partial.deletePartialEvents(tx, partialJoinNid)
  await partial.updateWholePos(tx, nid, lastPos)
}

async function begin(
  tx: Tx,
  { room, entries }: Batch,
  { via, servers }: Extract<PartialStep, { is: 'begun' }>,
  pos: number,
  { serverName, now }: Site,
): Promise<void> {
  const [join] = entries
  if (typeof join?.before?.on !== 'number') throw new Error('A room is joined with an event upon a state')
  const row = { room_nid: room.nid, join_nid: join.event.nid, before_nid: join.before.on, via, retry_at: now }
  await partial.insertPartialRoom(tx, row)
  const others = new Set([via, ...servers])
  others.delete(serverName)
  const nids = await internNames(tx, others)
  await partial.insertPresumedServers(tx, room.nid, [...nids.values()], pos)
}
