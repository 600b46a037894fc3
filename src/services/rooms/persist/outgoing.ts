import { serverOf } from '../../../matrix/ids.ts'
import type { Tx } from '../../../storage/db.ts'
import { queueEvents, queueForRooms } from '../../../storage/federation/outbox.ts'
import { internName, internNames, nidOf } from '../../../storage/names.ts'
import { type Batch, type Entry, isSent, type StateEdit } from '../entry.ts'
import { applyMove, hasOthers, moveOf } from '../server-moves.ts'
import type { StoredEvent } from '../stored-event.ts'

/**
 * Queues what we have to send for the other servers that are in its room at the event. Called before the memberships
 * change. A message costs its part of one statement, and nothing where no other server is.
 */
export async function persistOutgoing(tx: Tx, batches: readonly Batch[], serverName: string): Promise<void> {
  const plain: number[] = []
  for (const batch of batches) {
    const { room, entries, changes } = batch
    const sent = entries.filter(isSent)
    if (sent.length === 0) continue
    const isMoving = changes.some(({ edit }) => moveOf(edit) !== undefined && !isOurs(edit, serverName))
    if (isMoving || sent.some((entry) => isSpecial(entry, serverName))) await queueOneByOne(tx, batch, serverName)
    else if (hasOthers(room.servers, serverName)) plain.push(...sent.map(({ event }) => event.nid))
  }
  if (plain.length === 0) return
  queueForRooms(tx, plain, await internName(tx, serverName))
}

/** Whether an event does not simply go to those in the room: it comes from one of them, or is about somebody outside. */
const isSpecial = ({ event, outgoing }: Entry, serverName: string): boolean =>
  outgoing?.except !== undefined || isAboutOther(event, serverName)

const isAboutOther = (event: StoredEvent, serverName: string): boolean =>
  event.type === 'm.room.member' && serverOf(event.stateKey ?? '') !== serverName

const isOurs = ({ event, replaces }: StateEdit, serverName: string): boolean =>
  serverOf((event ?? replaces)?.stateKey ?? '') === serverName

/** Each event of the batch has its own destinations: members of other servers come and go in between. */
async function queueOneByOne(tx: Tx, { room, entries, changes }: Batch, serverName: string): Promise<void> {
  const joined = new Map(room.servers)
  const changesAt = Map.groupBy(changes, ({ at }) => at)
  const queued: { event: StoredEvent; servers: ReadonlySet<string> }[] = []
  for (const entry of entries) {
    const { event, outgoing } = entry
    const edits = changesAt.get(entry)?.map(({ edit }) => edit) ?? []
    if (isSent(entry)) {
      const servers = new Set(joined.keys())
      // Whoever was invited or knocked is not in the room, but must learn that it is over.
      if (isAboutOther(event, serverName) && edits.some(endsOffer)) servers.add(serverOf(event.stateKey ?? ''))
      if (outgoing?.except !== undefined) servers.delete(outgoing.except)
      servers.delete(serverName)
      queued.push({ event, servers })
    }
    for (const edit of edits) {
      const move = moveOf(edit)
      if (move) applyMove(joined, move)
    }
  }
  const nids = await internNames(tx, new Set(queued.flatMap(({ servers }) => [...servers])))
  const rows = queued.flatMap(({ event: { nid, row }, servers }) =>
    [...servers].map((server) => ({ server_nid: nidOf(nids, server), event_nid: nid, room_nid: row.room_nid })),
  )
  if (rows.length > 0) queueEvents(tx, rows)
}

const endsOffer = ({ event, replaces }: StateEdit): boolean =>
  (replaces?.membership === 'invite' || replaces?.membership === 'knock') &&
  (event?.membership === 'leave' || event?.membership === 'ban')
