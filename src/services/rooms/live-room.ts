import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { StateLookup } from '../../room/event.ts'
import { PowerLevels } from '../../room/power-levels.ts'
import type { RoomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import * as events from '../../storage/events.ts'
import { nameNids } from '../../storage/names.ts'
import * as rooms from '../../storage/rooms.ts'
import { StoredEvent } from './stored-event.ts'

/** Timeline events kept in memory for each active room. */
const TAIL_EVENTS = 60
/** State events kept for a room; a larger room's members come and go. */
const MAX_STATE_ENTRIES = 4_000

export const stateKeyOf = (type: string, stateKey: string): string => `${type}\u0000${stateKey}`

/**
 * An active room in memory: the forward extremities, the current state as far as it was asked for, the newest part of
 * the timeline, the local members. Only `Append` changes it, after the commit and under the room's lock, so that it is
 * right by construction. It can be thrown away at any time and is loaded again from the tables.
 */
export class LiveRoom {
  readonly nid: number
  readonly roomId: RoomId
  readonly version: RoomVersion
  /** The current state in shared storage; undefined before the create event is stored. */
  stateNid: number | undefined
  extremities: StoredEvent[]
  /** Timeline events by arrival, oldest first: all of those with a position above `tailFloor`. */
  readonly tail: StoredEvent[]
  tailFloor: number
  /** Position of the newest thing that happened here. */
  lastPos: number
  readonly localJoined: Set<UserId>
  readonly counts: Map<string, number>
  readonly #db: Db
  // null: known to be absent.
  readonly #state = new Map<string, StoredEvent | null>()
  // Counts the changes of the state, so that a slow read never overwrites a newer entry.
  #stateVersion = 0
  #powerLevels: { of: StoredEvent | undefined; value: PowerLevels } | undefined

  constructor(
    db: Db,
    room: { nid: number; roomId: RoomId; version: RoomVersion; stateNid: number | undefined },
    loaded: {
      extremities: StoredEvent[]
      tail: StoredEvent[]
      tailFloor: number
      localJoined: Iterable<UserId>
      counts: Map<string, number>
    },
  ) {
    this.#db = db
    this.nid = room.nid
    this.roomId = room.roomId
    this.version = room.version
    this.stateNid = room.stateNid
    this.extremities = loaded.extremities
    this.tail = loaded.tail
    this.tailFloor = loaded.tailFloor
    this.lastPos = loaded.tail.at(-1)?.pos ?? 0
    this.localJoined = new Set(loaded.localJoined)
    this.counts = loaded.counts
  }

  static async load(db: Db, row: rooms.RoomRow, version: RoomVersion): Promise<LiveRoom> {
    const roomId = row.room_id as RoomId
    const wrap = (event: events.EventRow) => new StoredEvent(event, roomId, version)
    const extremities = (await rooms.listExtremities(db, row.nid)).map(wrap)
    const newest = await events.listNewest(db, row.nid, Number.MAX_SAFE_INTEGER, TAIL_EVENTS)
    const tail = newest.reverse().map(wrap)
    return new LiveRoom(
      db,
      { nid: row.nid, roomId, version, stateNid: row.state_nid ?? undefined },
      {
        extremities,
        tail,
        tailFloor: tail.length < TAIL_EVENTS ? 0 : (tail[0]?.pos ?? 1) - 1,
        localJoined: (await rooms.listLocalMemberIds(db, row.nid, 'join')) as UserId[],
        counts: await rooms.countMembers(db, row.nid),
      },
    )
  }

  /** Loads these entries of the current state, those that memory does not have yet, and answers look-ups of them. */
  async loadState(keys: Iterable<readonly [type: string, stateKey: string]>): Promise<StateLookup> {
    const found = new Map<string, StoredEvent | null>()
    const missing: (readonly [string, string])[] = []
    for (const entry of keys) {
      const key = stateKeyOf(entry[0], entry[1])
      const known = this.#state.get(key)
      if (known === undefined) missing.push(entry)
      else found.set(key, known)
    }
    if (missing.length > 0) await this.#loadMissing(missing, found)
    return (type, stateKey) => found.get(stateKeyOf(type, stateKey)) ?? undefined
  }

  async #loadMissing(missing: (readonly [string, string])[], found: Map<string, StoredEvent | null>): Promise<void> {
    if (this.#state.size >= MAX_STATE_ENTRIES) this.#state.clear()
    const nids = await nameNids(this.#db, missing.flat())
    for (const [type, stateKey] of missing) {
      const typeNid = nids.get(type)
      const keyNid = nids.get(stateKey)
      const version = this.#stateVersion
      const row =
        typeNid === undefined || keyNid === undefined
          ? undefined
          : await rooms.findCurrentState(this.#db, this.nid, typeNid, keyNid)
      const key = stateKeyOf(type, stateKey)
      const event = row ? new StoredEvent(row, this.roomId, this.version) : null
      found.set(key, event)
      // A commit that happened during the read knows better.
      if (version === this.#stateVersion) this.#state.set(key, event)
    }
  }

  /** One entry of the current state. */
  async stateEvent(type: string, stateKey: string): Promise<StoredEvent | undefined> {
    const known = this.#state.get(stateKeyOf(type, stateKey))
    if (known !== undefined) return known ?? undefined
    return (await this.loadState([[type, stateKey]]))(type, stateKey) as StoredEvent | undefined
  }

  /** The membership of a user in the current state: 'join', 'invite', 'knock', 'ban', 'leave', or undefined. */
  async membershipOf(userId: string): Promise<string | undefined> {
    const { membership } = (await this.stateEvent('m.room.member', userId))?.pdu.content ?? {}
    return typeof membership === 'string' ? membership : undefined
  }

  /** Who may do what now. */
  async powerLevels(): Promise<PowerLevels> {
    const create = await this.stateEvent('m.room.create', '')
    const current = await this.stateEvent('m.room.power_levels', '')
    if (!this.#powerLevels || this.#powerLevels.of !== current) {
      this.#powerLevels = { of: current, value: new PowerLevels(create?.pdu, current?.pdu, this.version) }
    }
    return this.#powerLevels.value
  }

  /** Timeline events that arrived in (`after`, `upTo`], newest first, from memory or below its floor from the table. */
  async newest(after: number, upTo: number, limit: number): Promise<StoredEvent[]> {
    const found: StoredEvent[] = []
    for (let i = this.tail.length - 1; i >= 0 && found.length < limit; i--) {
      const event = this.tail[i] as StoredEvent
      if (event.pos <= after) return found
      if (event.pos <= upTo) found.push(event)
    }
    if (found.length >= limit || this.tailFloor <= after) return found
    const before = Math.min(found.at(-1)?.pos ?? upTo + 1, this.tailFloor + 1)
    for (const row of await events.listNewest(this.#db, this.nid, before, limit - found.length)) {
      if ((row.pos as number) <= after) break
      found.push(new StoredEvent(row, this.roomId, this.version))
    }
    return found
  }

  // ---- for Append alone, after the commit ---------------------------------------------------------------------------

  /** Adds a timeline event to the tail. */
  pushEvent(event: StoredEvent): void {
    this.tail.push(event)
    this.lastPos = event.pos
    if (this.tail.length > TAIL_EVENTS * 2) {
      const dropped = this.tail.splice(0, this.tail.length - TAIL_EVENTS)
      this.tailFloor = (dropped.at(-1) as StoredEvent).pos
    }
  }

  setState(event: StoredEvent): void {
    this.#stateVersion++
    this.#state.set(stateKeyOf(event.type, event.stateKey ?? ''), event)
  }

  setMembership(userId: UserId, isLocal: boolean, before: string | undefined, after: string): void {
    if (before !== undefined) this.counts.set(before, (this.counts.get(before) ?? 1) - 1)
    this.counts.set(after, (this.counts.get(after) ?? 0) + 1)
    if (!isLocal) return
    if (after === 'join') this.localJoined.add(userId)
    else this.localJoined.delete(userId)
  }

  /** Replaces an event that has been redacted wherever memory shows it. */
  applyRedaction(eventId: string, redactionNid: number): void {
    const index = this.tail.findIndex((event) => event.eventId === eventId)
    const shown = this.tail[index]
    if (shown) this.tail[index] = shown.redactedBy(redactionNid)
    for (const [key, event] of this.#state) {
      if (event?.eventId === eventId) this.#state.set(key, event.redactedBy(redactionNid))
    }
  }
}
