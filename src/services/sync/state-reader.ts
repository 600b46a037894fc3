import type { Db } from '../../storage/db.ts'
import { nameNids, namesOf } from '../../storage/names.ts'
import {
  listCurrentState,
  listCurrentStateExcept,
  listCurrentStateOfTypes,
  listStateChanges,
  type StateChange,
} from '../../storage/rooms/current-state.ts'
import { type EventRow, eventsByNid } from '../../storage/rooms/events.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { sendersInAuth } from '../rooms/state/auth-members.ts'
import type { StateTuple } from '../rooms/state/current-state.ts'
import { StoredEvent } from '../rooms/stored-event.ts'

const MEMBER = 'm.room.member'
const PAGE = 500

const placeOf = (change: { type_nid: number; key_nid: number | null }): string => `${change.type_nid} ${change.key_nid}`

/** A part of a room's state. */
export interface StateSelection {
  /** Places that are named in full. */
  readonly places: readonly StateTuple[]
  /** Types of which any key is meant. */
  readonly types: readonly string[]
  /** Any type is meant: all of the state is looked at, the members only if all of them are meant. */
  readonly isOpen: boolean
  readonly wantsAllMembers: boolean
  matches(type: string, key: string): boolean
}

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
    const memberNid = withMembers ? undefined : await this.#memberNid()
    const former = new Map<string, number | null>()
    const settled = new Set<string>()
    for (const change of changes.toReversed()) {
      const place = placeOf(change)
      if (change.type_nid === memberNid || settled.has(place)) continue
      const isLast = isKept(change)
      if (isLast) settled.add(place)
      former.set(place, isLast ? change.event_nid : change.prev_event_nid)
    }
    const unchanged = former.size === 0 ? rows : rows.filter((row) => !former.has(placeOf(row)))
    const nids = [...former.values()].filter((nid) => nid !== null)
    return [
      ...unchanged.map((row) => new StoredEvent(row, room.roomId, room.version)),
      ...(await this.#events(room, nids)),
    ]
  }

  /** The state events after `pos` that are selected. */
  async selected(room: LiveRoom, pos: number, selection: StateSelection): Promise<StoredEvent[]> {
    const current = await this.#currentlySelected(room, selection)
    // The usual case: nothing has happened since, so the state is the current one.
    if (room.lastPos <= pos) return [...current.values()]
    const changes = await listStateChanges(this.#db, room.nid, pos, Number.MAX_SAFE_INTEGER)
    const names = await namesOf(this.#db, new Set(changes.flatMap(({ type_nid, key_nid }) => [type_nid, key_nid])))
    const former = new Map<string, number | null>()
    for (const change of changes.toReversed()) {
      const [type, key] = [names.get(change.type_nid), names.get(change.key_nid)]
      if (type === undefined || key === undefined || !selection.matches(type, key)) continue
      former.set(placeOf(change), change.prev_event_nid)
    }
    for (const place of former.keys()) current.delete(place)
    const nids = [...former.values()].filter((nid) => nid !== null)
    return [...current.values(), ...(await this.#events(room, nids))]
  }

  /**
   * The member events of these users after `pos`, as far as there are any. Of a room whose members are not known yet also
   * those of the senders of `events`, as the events themselves name them. `isKept`: later changes that are to be kept.
   */
  async members(
    room: LiveRoom,
    pos: number,
    userIds: ReadonlySet<string>,
    events: readonly StoredEvent[] = [],
    isKept: (change: StateChange) => boolean = () => false,
  ): Promise<StoredEvent[]> {
    const found = await this.#membersInState(room, pos, userIds, isKept)
    if (!room.isPartial) return found
    const known = new Set(found.map(({ stateKey }) => stateKey))
    const others = events.filter(({ pdu }) => !known.has(pdu.sender))
    return [...found, ...(await sendersInAuth(this.#db, room, others))]
  }

  async #membersInState(
    room: LiveRoom,
    pos: number,
    userIds: ReadonlySet<string>,
    isKept: (change: StateChange) => boolean,
  ): Promise<StoredEvent[]> {
    const current = await room.loadState([...userIds].map((userId) => [MEMBER, userId] as const))
    const found: StoredEvent[] = []
    const late = new Set<string>()
    for (const userId of userIds) {
      const event = current(MEMBER, userId)
      if (event && event.pos <= pos) found.push(event)
      else if (event) late.add(placeOf(event.row))
    }
    if (late.size === 0) return found
    const changes = await listStateChanges(this.#db, room.nid, pos, Number.MAX_SAFE_INTEGER)
    const before = new Map<string, number | null>()
    for (const change of changes.toReversed()) {
      const place = placeOf(change)
      if (!late.has(place)) continue
      const isLast = isKept(change)
      before.set(place, isLast ? change.event_nid : change.prev_event_nid)
      if (isLast) late.delete(place)
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
  changed(room: LiveRoom, changes: readonly StateChange[]): Awaitable<StoredEvent[]> {
    const last = new Map<string, number | null>()
    for (const change of changes) last.set(placeOf(change), change.event_nid)
    return this.#events(
      room,
      [...last.values()].filter((nid) => nid !== null),
    )
  }

  async #currentlySelected(room: LiveRoom, selection: StateSelection): Promise<Map<string, StoredEvent>> {
    const { places, types, isOpen, wantsAllMembers } = selection
    const lookUp = await room.loadState(places)
    const found = new Map<string, StoredEvent>()
    for (const [type, key] of places) {
      const event = lookUp(type, key)
      if (event && selection.matches(type, key)) found.set(placeOf(event.row), event)
    }
    let rows: EventRow[] = []
    if (isOpen) rows = wantsAllMembers ? await this.#everything(room) : await this.#allButMembers(room)
    else if (types.length > 0) rows = await this.#ofTypes(room, types)
    for (const row of rows) {
      const place = placeOf(row)
      if (found.has(place)) continue
      const event = new StoredEvent(row, room.roomId, room.version)
      if (selection.matches(event.type, event.stateKey ?? '')) found.set(place, event)
    }
    return found
  }

  async #ofTypes(room: LiveRoom, types: readonly string[]): Promise<EventRow[]> {
    const typeNids = [...(await nameNids(this.#db, types)).values()]
    return listCurrentStateOfTypes(this.#db, room.nid, typeNids)
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

  #events(room: LiveRoom, nids: readonly number[]): Awaitable<StoredEvent[]> {
    return nids.length === 0 ? [] : this.#readEvents(room, nids)
  }

  async #readEvents(room: LiveRoom, nids: readonly number[]): Promise<StoredEvent[]> {
    const rows = new Map((await eventsByNid(this.#db, nids)).map((row) => [row.nid, row]))
    return nids.flatMap((nid) => {
      const row = rows.get(nid)
      return row ? [new StoredEvent(row, room.roomId, room.version)] : []
    })
  }
}
