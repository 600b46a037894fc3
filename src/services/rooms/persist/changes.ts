import { serverOf } from '../../../matrix/ids.ts'
import type { Tx } from '../../../storage/db.ts'
import { nidOf } from '../../../storage/names.ts'
import { changeCurrentState } from '../../../storage/rooms/current-state.ts'
import * as memberships from '../../../storage/rooms/memberships.ts'
import { changeRoomServers, type RoomServerChange } from '../../../storage/rooms/room-servers.ts'
import type { Batch, StateEdit } from '../entry.ts'
import { moveOf } from '../server-moves.ts'
import type { StoredEvent } from '../stored-event.ts'
import { persistAccess } from './access.ts'
import { placeOf } from './states.ts'

/**
 * Writes the changes of current states, and the memberships, which are a part of them. `lastPositions`: the last one that
 * each batch took.
 */
export async function persistChanges(
  tx: Tx,
  batches: readonly Batch[],
  lastPositions: readonly (number | undefined)[],
  serverName: string,
  names: ReadonlyMap<string, number>,
): Promise<void> {
  const rows: Parameters<typeof changeCurrentState>[1][number][] = []
  const members = new MemberRows()
  const servers = new RoomServerCounts(names)
  for (const [index, { room, changes }] of batches.entries()) {
    for (const { edit, at, pos: past } of changes) {
      const { event, replaces } = edit
      const { typeNid, keyNid } = placeOf(edit)
      // The position of what no entry brings about is the batch's last.
      const pos = past ?? (at?.event.isTimeline ? at.event.pos : lastPositions[index]) ?? 0
      servers.count(room.nid, edit, pos)
      rows.push({
        room_nid: room.nid,
        pos,
        type_nid: typeNid,
        key_nid: keyNid,
        event_nid: event?.nid ?? null,
        prev_event_nid: replaces?.nid ?? null,
      })
      if ((event ?? replaces)?.type !== 'm.room.member') continue
      const strippedState = event && at?.event === event ? at.strippedState : undefined
      members.set(room.nid, keyNid, event && memberRow(event, pos, strippedState, serverName))
    }
  }
  if (rows.length > 0) changeCurrentState(tx, rows)
  members.write(tx)
  changeRoomServers(tx, servers.changes)
  for (const { room, changes } of batches) {
    const edits = changes.map(({ edit }) => edit)
    if (edits.length > 0) await persistAccess(tx, room.nid, edits, serverName)
  }
}

/** What becomes of memberships: one that comes and goes again in a batch, or goes and comes, is as it is at the end. */
class MemberRows {
  readonly #final = new Map<string, { roomNid: number; userNid: number; row: memberships.NewMembership | undefined }>()

  set(roomNid: number, userNid: number, row: memberships.NewMembership | undefined): void {
    this.#final.set(`${roomNid} ${userNid}`, { roomNid, userNid, row })
  }

  write(tx: Tx): void {
    const rows: memberships.NewMembership[] = []
    for (const { roomNid, userNid, row } of this.#final.values()) {
      if (row) rows.push(row)
      else memberships.deleteMembership(tx, roomNid, userNid)
    }
    if (rows.length > 0) memberships.upsertMemberships(tx, rows)
  }
}

/** Which servers gained or lost members. */
class RoomServerCounts {
  readonly #found = new Map<string, RoomServerChange>()
  readonly #names: ReadonlyMap<string, number>

  constructor(names: ReadonlyMap<string, number>) {
    this.#names = names
  }

  count(roomNid: number, edit: StateEdit, pos: number): void {
    const move = moveOf(edit)
    if (!move) return
    const serverNid = nidOf(this.#names, move.server)
    const key = `${roomNid} ${serverNid}`
    const before = this.#found.get(key)
    this.#found.set(key, { roomNid, serverNid, joined: (before?.joined ?? 0) + move.by, pos: before?.pos ?? pos })
  }

  get changes(): RoomServerChange[] {
    return [...this.#found.values()].filter(({ joined }) => joined !== 0)
  }
}

const memberRow = (
  event: StoredEvent,
  pos: number,
  strippedState: string | undefined,
  serverName: string,
): memberships.NewMembership => ({
  room_nid: event.row.room_nid,
  user_nid: event.row.key_nid ?? 0,
  membership: event.membership ?? 'leave',
  event_nid: event.nid,
  sender_nid: event.row.sender_nid,
  pos,
  is_local: serverOf(event.stateKey ?? '') === serverName ? 1 : 0,
  stripped_state: strippedState ?? null,
})
