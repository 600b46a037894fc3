import {
  listCurrentState,
  listCurrentStateExcept,
  listStateChanges,
  type StateChange,
} from '../../storage/current-state.ts'
import type { Db } from '../../storage/db.ts'
import { eventsByNid } from '../../storage/events.ts'
import { nameNids } from '../../storage/names.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'

const MEMBER = 'm.room.member'
const PAGE = 500

const placeOf = (change: { type_nid: number; key_nid: number | null }): string => `${change.type_nid} ${change.key_nid}`

/** Reads the state of a room at a position: the current state, with what changed after that position taken back. */
export class StateReader {
  readonly #db: Db

  constructor(db: Db) {
    this.#db = db
  }

  /** The whole state after `pos`, or all of it but the members, and later changes that are to be kept. */
  async whole(
    room: LiveRoom,
    pos: number,
    withMembers: boolean,
    isKept: (change: StateChange) => boolean,
  ): Promise<StoredEvent[]> {
    const rows = withMembers ? await this.#everything(room) : await this.#allButMembers(room)
    // Read after the state: what changed in between is taken back again.
    const changes = await listStateChanges(this.#db, room.nid, pos, Number.MAX_SAFE_INTEGER)
    const state = new Map(rows.map((row) => [placeOf(row), row.nid]))
    const memberNid = withMembers ? undefined : await this.#memberNid()
    const settled = new Set<string>()
    for (const change of changes.toReversed()) {
      const place = placeOf(change)
      if (change.type_nid === memberNid || settled.has(place)) continue
      const isLast = isKept(change)
      if (isLast) settled.add(place)
      const nid = isLast ? change.event_nid : change.prev_event_nid
      if (nid === null) state.delete(place)
      else state.set(place, nid)
    }
    return this.#events(room, state.values(), new Map(rows.map((row) => [row.nid, row])))
  }

  /** The member events of these users after `pos`, as far as there are any. */
  async members(room: LiveRoom, pos: number, userIds: ReadonlySet<string>): Promise<StoredEvent[]> {
    const current = await room.loadState([...userIds].map((userId) => [MEMBER, userId] as const))
    const found: StoredEvent[] = []
    const late = new Set<string>()
    for (const userId of userIds) {
      const event = current(MEMBER, userId) as StoredEvent | undefined
      if (event && event.pos <= pos) found.push(event)
      else if (event) late.add(placeOf(event.row))
    }
    if (late.size === 0) return found
    const changes = await listStateChanges(this.#db, room.nid, pos, Number.MAX_SAFE_INTEGER)
    const before = new Map<string, number | null>()
    for (const change of changes.toReversed()) {
      if (late.has(placeOf(change))) before.set(placeOf(change), change.prev_event_nid)
    }
    return [
      ...found,
      ...(await this.#events(
        room,
        [...before.values()].filter((nid) => nid !== null),
      )),
    ]
  }

  changes(room: LiveRoom, after: number, upTo: number): Promise<StateChange[]> {
    return listStateChanges(this.#db, room.nid, after, upTo)
  }

  /** What stands at each place that changed, after the last of these changes. */
  async changed(room: LiveRoom, changes: readonly StateChange[]): Promise<StoredEvent[]> {
    const last = new Map<string, number | null>()
    for (const change of changes) last.set(placeOf(change), change.event_nid)
    return this.#events(
      room,
      [...last.values()].filter((nid) => nid !== null),
    )
  }

  async #everything(room: LiveRoom) {
    const rows = []
    const turn = new Turn()
    let after = { typeNid: 0, keyNid: 0 }
    for (;;) {
      const page = await listCurrentState(this.#db, room.nid, after, PAGE)
      rows.push(...page)
      const last = page.at(-1)
      if (!last || page.length < PAGE) return rows
      after = { typeNid: last.type_nid, keyNid: last.key_nid ?? 0 }
      if (turn.isOver) await turn.give()
    }
  }

  async #allButMembers(room: LiveRoom) {
    const memberNid = await this.#memberNid()
    return memberNid === undefined ? [] : listCurrentStateExcept(this.#db, room.nid, memberNid)
  }

  async #memberNid(): Promise<number | undefined> {
    return (await nameNids(this.#db, [MEMBER])).get(MEMBER)
  }

  async #events(room: LiveRoom, nids: Iterable<number>, known: Map<number, StoredEvent['row']> = new Map()) {
    const wanted = [...nids]
    const missing = wanted.filter((nid) => !known.has(nid))
    const rows = new Map(known)
    if (missing.length > 0) for (const row of await eventsByNid(this.#db, missing)) rows.set(row.nid, row)
    return wanted.flatMap((nid) => {
      const row = rows.get(nid)
      return row ? [new StoredEvent(row, room.roomId, room.version)] : []
    })
  }
}
