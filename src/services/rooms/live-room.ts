import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { StateLookup } from '../../room/event.ts'
import { PowerLevels } from '../../room/power-levels.ts'
import type { RoomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import * as memberships from '../../storage/rooms/memberships.ts'
import { listNewest } from '../../storage/rooms/timeline.ts'
import { lastTimelineGap } from '../../storage/rooms/timeline-gaps.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { type Batch, gapsIn, type StateEdit } from './entry.ts'
import type { Persisted } from './persist/persist.ts'
import { applyMove, moveOf } from './server-moves.ts'
import { CurrentState, type StateTuple } from './state/current-state.ts'
import { StoredEvent } from './stored-event.ts'
import type { TimelineTail } from './timeline-tail.ts'

/** Members that a room is named after when it has no name; one of them may be the viewer (spec: room summary). */
const HEROES = 6

export interface LoadedRoom {
  nid: number
  roomId: RoomId
  version: RoomVersion
  /** The current state in shared storage; undefined before the create event is stored. */
  stateNid: number | undefined
  extremities: readonly StoredEvent[]
  tail: TimelineTail
  /** Position of the newest change. */
  lastPos: number
  /** Position of the last event with a gap before it; 0: none. */
  lastGap: number
  localJoined: Iterable<UserId>
  servers: Map<string, number>
  counts: Map<string, number>
  partialJoinNid: number | undefined
  wholePos: number
}

/**
 * An active room in memory: the forward extremities, the current state as far as it was asked for, the newest part of
 * the timeline, the local members. Only `Append` changes it, after the commit and under the room's lock, so that it is
 * right by construction. It can be thrown away at any time and is loaded again from the tables.
 */
export class LiveRoom {
  readonly nid: number
  readonly roomId: RoomId
  readonly version: RoomVersion
  readonly tail: TimelineTail
  readonly localJoined: Set<UserId>
  /** The servers in the room, and how many members of each are joined; one more where the server is only said to be. */
  readonly servers: ReadonlyMap<string, number>
  /** How many users have each membership. */
  readonly counts: Map<string, number>
  /** The number of our join, while most of the room's members are not known here (MSC3902). */
  readonly partialJoinNid: number | undefined
  /** Position from which on all members are known, after a join without them; 0: they always were. */
  readonly wholePos: number
  readonly #db: Db
  readonly #state: CurrentState
  readonly #servers: Map<string, number>
  #stateNid: number | undefined
  #extremities: readonly StoredEvent[]
  #lastPos: number
  #lastGap: number
  #powerLevels: { of: StoredEvent | undefined; value: PowerLevels } | undefined
  #heroes: Promise<string[]> | undefined

  constructor(db: Db, loaded: LoadedRoom) {
    this.nid = loaded.nid
    this.roomId = loaded.roomId
    this.version = loaded.version
    this.tail = loaded.tail
    this.localJoined = new Set(loaded.localJoined)
    this.counts = loaded.counts
    this.#servers = loaded.servers
    this.servers = this.#servers
    this.partialJoinNid = loaded.partialJoinNid
    this.wholePos = loaded.wholePos
    this.#db = db
    this.#state = new CurrentState(db, loaded)
    this.#stateNid = loaded.stateNid
    this.#extremities = loaded.extremities
    this.#lastPos = loaded.lastPos
    this.#lastGap = loaded.lastGap
  }

  /** Whether of the state only what is no member, our own members, and who did something since are known. */
  get isPartial(): boolean {
    return this.partialJoinNid !== undefined
  }
  get stateNid(): number | undefined {
    return this.#stateNid
  }
  /** The events that no other one follows yet. */
  get extremities(): readonly StoredEvent[] {
    return this.#extremities
  }
  /** Position of the newest thing that happened here. */
  get lastPos(): number {
    return this.#lastPos
  }

  /** About how many bytes it takes. Measured: a new room 11 kB, a message 1.2 to 1.5 kB, a member 2 kB. */
  get weight(): number {
    return (
      2_000 +
      this.tail.bytes * 2 +
      this.tail.events.length * 500 +
      this.#state.size * 1_500 +
      this.localJoined.size * 60
    )
  }

  /** Loads these entries of the current state, those that memory does not have yet, and answers look-ups of them. */
  loadState(places: Iterable<StateTuple>): Promise<StateLookup<StoredEvent>> {
    return this.#state.load(places)
  }

  /** One entry of the current state. */
  stateEvent(type: string, stateKey: string): Awaitable<StoredEvent | undefined> {
    const known = this.#state.peek(type, stateKey)
    if (known !== undefined) return known ?? undefined
    return this.#state.load([[type, stateKey]]).then((lookUp) => lookUp(type, stateKey))
  }

  /** The membership of a user in the current state: 'join', 'invite', 'knock', 'ban', 'leave', or undefined. */
  async membershipOf(userId: string): Promise<string | undefined> {
    return (await this.stateEvent('m.room.member', userId))?.membership
  }

  /** Who may do what now. */
  powerLevels(): Awaitable<PowerLevels> {
    return andThen(this.stateEvent('m.room.power_levels', ''), (current) => {
      if (this.#powerLevels && this.#powerLevels.of === current) return this.#powerLevels.value
      return andThen(this.stateEvent('m.room.create', ''), (create) => {
        const value = new PowerLevels(create, current, this.version)
        this.#powerLevels = { of: current, value }
        return value
      })
    })
  }

  /** Timeline events that arrived in (`after`, `upTo`], newest first, from memory or below its floor from the table. */
  newest(after: number, upTo: number, limit: number): Awaitable<StoredEvent[]> {
    const found = this.tail.newest(after, upTo, limit)
    return found.length >= limit || this.tail.floor <= after ? found : this.#withOlder(found, after, upTo, limit)
  }

  async #withOlder(found: StoredEvent[], after: number, upTo: number, limit: number): Promise<StoredEvent[]> {
    const before = Math.min(upTo, this.tail.floor) + 1
    for (const row of await listNewest(this.#db, this.nid, before, limit - found.length)) {
      if ((row.pos as number) <= after) break
      found.push(new StoredEvent(row, this.roomId, this.version))
    }
    return found
  }

  /** The last event that arrived in (`after`, `upTo`] without its predecessors: its position; undefined: there is none. */
  gapIn(after: number, upTo: number): Awaitable<number | undefined> {
    if (this.#lastGap <= after) return undefined
    const last = this.#lastGap <= upTo ? this.#lastGap : lastTimelineGap(this.#db, this.nid, upTo)
    return andThen(last, (pos) => (pos > after ? pos : undefined))
  }

  /** The members who stand for the room's name: joined or invited, longest so first; one more than are shown. */
  heroes(): Promise<string[]> {
    this.#heroes ??= this.#loadHeroes().catch((error: unknown) => {
      this.#heroes = undefined
      throw error
    })
    return this.#heroes
  }

  async #loadHeroes(): Promise<string[]> {
    const of = (membership: string) => memberships.listMembers(this.#db, this.nid, membership, HEROES)
    const rows = [...(await of('join')), ...(await of('invite'))].sort((a, b) => a.pos - b.pos)
    return rows.slice(0, HEROES).map((row) => row.user_id)
  }

  /** For `Append` alone, after the commit. Returns the local users whose membership changed. */
  apply(batch: Batch, { stateNid, lastPos }: Persisted, serverName: string): UserId[] {
    const { entries, changes, extremities, partial } = batch
    const moved: UserId[] = []
    for (const { edit, pos } of changes) {
      if (pos === undefined) this.#state.apply(edit)
      else this.#state.forget(edit)
      if ((edit.event ?? edit.replaces)?.type === 'm.room.member') {
        const userId = this.#applyMembership(edit, serverName)
        if (userId !== undefined) moved.push(userId)
      }
    }
    for (const { event, txn, redacts, rejudged } of entries) {
      // A room whose events were judged again is loaded anew.
      if (!event.isTimeline || rejudged) continue
      if (event.pos > 0) this.tail.push(event, txn)
      if (!redacts?.target) continue
      this.tail.applyRedaction(redacts.eventId, event.nid)
      this.#state.applyRedaction(redacts.target, event.nid)
    }
    if (partial?.is === 'begun') {
      const others = new Set([partial.via, ...partial.servers])
      others.delete(serverName)
      for (const server of others) applyMove(this.#servers, { server, by: 1 })
    }
    const { removed, added } = extremities
    if (removed.length + added.length > 0) {
      const gone = new Set(removed.map(({ nid }) => nid))
      this.#extremities = [...this.#extremities.filter(({ nid }) => !gone.has(nid)), ...added]
    }
    if (stateNid !== undefined) this.#stateNid = stateNid
    if (lastPos !== undefined) this.#lastPos = lastPos
    this.#lastGap = gapsIn(entries).at(-1) ?? this.#lastGap
    return moved
  }

  #applyMembership({ event, replaces }: StateEdit, serverName: string): UserId | undefined {
    const userId = (event ?? replaces)?.stateKey as UserId
    const [before, after] = [replaces?.membership, event?.membership]
    if (before !== undefined) this.counts.set(before, (this.counts.get(before) ?? 1) - 1)
    if (after !== undefined) this.counts.set(after, (this.counts.get(after) ?? 0) + 1)
    this.#heroes = undefined
    const move = moveOf({ event, replaces })
    if (move) applyMove(this.#servers, move)
    if (serverOf(userId) !== serverName) return undefined
    if (after === 'join') this.localJoined.add(userId)
    else this.localJoined.delete(userId)
    return userId
  }
}
