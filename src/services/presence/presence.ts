import { forbidden } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { listNeighbours } from '../../storage/keys/device-lists.ts'
import { type PresenceRow, upsertPresence } from '../../storage/presence.ts'
import { countSharedRooms, meetsLocalUser } from '../../storage/rooms/shared-rooms.ts'
import { type Awaitable, andThen } from '../../util/awaitable.ts'
import { chunks } from '../../util/chunks.ts'
import type { Clock } from '../../util/clock.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'
import { Attendance } from './attendance.ts'
import { KnownPresence } from './known-presence.ts'
import { PresenceChanges } from './presence-changes.ts'
import { type PresenceState, presenceContent, type UserPresence } from './user-presence.ts'

interface Deps {
  db: Db
  clock: Clock
  stream: Stream
  hub: Hub
  /** False: nobody's presence is kept or shown. */
  enabled: boolean
}

/** Told when a user's presence changed: as clients see it. */
export type PresenceListener = (user: Owner, presence: JsonObject) => void

interface Device extends Owner {
  readonly deviceNid: number
}

/** What another server says of its user. */
export interface RemotePresence {
  readonly owner: Owner
  readonly presence: PresenceState
  readonly statusMsg: string | undefined
  readonly lastActiveTs: number
}

/** What another server said counts for this long. */
const REMOTE_MS = 30 * 60_000
/** Of many who come or go at once, after an outage or a restart, so many are told of at a time. */
const SETTLED_AT_ONCE = 200
/** So many who come between two sweeps are told of at once, themselves in the answer that they wait for. */
const TOLD_AT_ONCE = 10
/** A device counts for this long after its last request ended. */
const LINGER_MS = 30_000

/**
 * Who is there (spec: Presence). A user is as present as the most present device, so that two devices that say different
 * things do not wake each other for ever. A row is written when the state or the message changes, not for each sign of life.
 */
export class Presence {
  readonly #deps: Deps
  readonly #known: KnownPresence
  readonly #attendance = new Attendance()
  readonly changes: PresenceChanges
  readonly #listeners: PresenceListener[] = []
  #toldSinceSweep = 0

  constructor(deps: Deps) {
    this.#deps = deps
    this.#known = new KnownPresence(deps.db)
    this.changes = new PresenceChanges(deps.db, deps.stream.current)
  }

  onChanged(listener: PresenceListener): void {
    this.#listeners.push(listener)
  }

  get isEnabled(): boolean {
    return this.#deps.enabled
  }

  /** Who was there before the restart, and does not come back, is offline after a while. */
  async start(): Promise<void> {
    if (!this.isEnabled) return
    const until = this.#deps.clock.now() + LINGER_MS
    for (const known of await this.#known.loadPresent()) this.#attendance.note(known, 0, known.presence, until)
  }

  /** A client says so. */
  async set(device: Device, presence: PresenceState, statusMsg: string | undefined): Promise<void> {
    if (!this.isEnabled) return
    const known = await this.#known.of(device)
    known.lastActiveTs = this.#deps.clock.now()
    this.#attendance.note(known, device.deviceNid, presence, known.lastActiveTs + LINGER_MS)
    await this.#settle([known], statusMsg)
  }

  /**
   * A device asks `/sync`, which may take as long as `timeoutMs`. 'offline' leaves everything as it is. Where many come at
   * once, the next sweep tells of them: for each of a thousand in the morning, a thousand would wake.
   */
  onSync(device: Device, presence: PresenceState, timeoutMs: number): Awaitable<void> {
    if (!this.isEnabled || presence === 'offline') return undefined
    return andThen(this.#known.of(device), (known) => {
      const now = this.#deps.clock.now()
      if (presence === 'online') known.lastActiveTs = now
      this.#attendance.note(known, device.deviceNid, presence, now + timeoutMs + LINGER_MS)
      if (this.#attendance.says(known, now) === known.presence || this.#toldSinceSweep >= TOLD_AT_ONCE) return undefined
      this.#toldSinceSweep++
      return this.#settle([known])
    })
  }

  /** Other servers say so of their users. */
  async receive(said: readonly RemotePresence[]): Promise<void> {
    if (!this.isEnabled) return
    const now = this.#deps.clock.now()
    const users = await this.#known.ofAll(said.map(({ owner }) => owner))
    for (const [index, known] of users.entries()) {
      const { presence, statusMsg, lastActiveTs } = said[index] as RemotePresence
      Object.assign(known, { statusMsg, lastActiveTs: Math.max(known.lastActiveTs, lastActiveTs) })
      this.#attendance.note(known, 0, presence, now + REMOTE_MS)
    }
    await this.#settle(users)
  }

  /** Tells of those whom devices made come or go; called again and again. */
  async sweep(): Promise<void> {
    this.#toldSinceSweep = 0
    const changed = this.#attendance.changed(this.#deps.clock.now())
    for (const some of chunks(changed, SETTLED_AT_ONCE)) await this.#settle(some)
  }

  /** A user's presence, for somebody who shares a room. */
  async get(viewer: Owner, userId: UserId): Promise<Record<string, unknown>> {
    if (viewer.userId !== userId && (await countSharedRooms(this.#deps.db, viewer.userNid, userId)) === 0) {
      throw forbidden('You do not share a room with this user')
    }
    const [known] = await this.#known.find([userId])
    return known ? presenceContent(known, this.#deps.clock.now()) : { presence: 'offline' }
  }

  /** The `m.presence` events of users as JSON texts, of those of whom there is anything to tell. */
  events(userIds: readonly UserId[]): Awaitable<string[]> {
    return andThen(this.#known.find(userIds), (users) => {
      const now = this.#deps.clock.now()
      return users.map((known) => {
        const content = JSON.stringify(presenceContent(known, now))
        return `{"type":"m.presence","sender":${JSON.stringify(known.userId)},"content":${content}}`
      })
    })
  }

  /** Whether any local user shares a room with this one, of another server. */
  isMet({ userNid }: Owner): Promise<boolean> {
    return meetsLocalUser(this.#deps.db, userNid)
  }

  /** The local users with whom a user shares a room, the user among them. */
  async neighboursOf(owner: Owner): Promise<Set<UserId>> {
    // Asked of the table: bringing all rooms of a user in 2,000 rooms into memory took 1.3 s.
    return new Set([owner.userId, ...(await listNeighbours(this.#deps.db, [owner.userNid]))])
  }

  /** Writes what these users are now, in one transaction, and tells those who share a room with them. */
  async #settle(users: readonly UserPresence[], statusMsg?: string): Promise<void> {
    if (users.length === 0) return
    const { clock, stream, hub } = this.#deps
    const userNids = users.map(({ userNid }) => userNid)
    const audience = new Set([...users.map(({ userId }) => userId), ...(await listNeighbours(this.#deps.db, userNids))])
    await stream.write(async (tx, take) => {
      const { pos } = await take(1)
      const now = clock.now()
      const rows = users.map((known): PresenceRow => {
        const presence = this.#attendance.says(known, now)
        const message = statusMsg ?? (presence === 'offline' ? undefined : known.statusMsg)
        return {
          user_nid: known.userNid,
          presence,
          status_msg: message ?? null,
          last_active_ts: known.lastActiveTs,
          pos,
        }
      })
      await upsertPresence(tx, rows)
      return {
        value: undefined,
        announce: () => {
          for (const [index, known] of users.entries()) {
            const row = rows[index] as PresenceRow
            known.presence = row.presence as PresenceState
            known.statusMsg = row.status_msg ?? undefined
            known.pos = pos
            this.changes.note(known)
          }
          hub.publish(audience, pos)
          for (const listener of this.#listeners)
            for (const known of users) listener(known, presenceContent(known, now))
        },
      }
    })
  }
}
