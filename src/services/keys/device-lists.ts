import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../../storage/db.ts'
import { listSignedUsers } from '../../storage/keys/cross-signing.ts'
import * as store from '../../storage/keys/device-lists.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import type { Clock } from '../../util/clock.ts'
import type { Owner } from '../account-data/account-data.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Appended } from '../rooms/append.ts'
import type { Stream, Take } from '../stream.ts'
import type { RoomsOfUser } from '../sync/user-rooms.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly stream: Stream
  readonly hub: Hub
}

/** Whose devices a client should look at again, and whose no longer concern it. */
export interface ListChanges {
  readonly changed: readonly string[]
  readonly left: readonly string[]
}

/** What of a user's keys is new to those who share a room with the user. */
export interface KeyChange {
  /** Devices that came, went, or have another identity, name or signature. */
  readonly deviceIds?: readonly string[]
  /** Whether the master or self-signing key, or a signature on the master key, is among it. */
  readonly crossSigning?: boolean
}

/** The positions of a change. */
export interface Stamp {
  /** One for each device that is in it, from here on. */
  readonly pos: number
  /** That of the last device that changed before; 0: there was none. */
  readonly before: number
}

/** Part of the transaction in which the keys of a user change, after all else in it. */
export type KeyChangeListener = (tx: Tx, owner: Owner, change: KeyChange, stamp: Stamp) => Promise<void>

/**
 * Part of the transaction in which the devices of users change, be they ours or another server's. `seenBy`: our users who
 * share a room with any of them, or are among them.
 */
export type ListsListener = (tx: Tx, userNids: readonly number[], seenBy: readonly UserId[]) => Promise<void>

/** Which users' devices or keys changed, and who came into or went out of sight (spec: Tracking the device list). */
export class DeviceLists {
  readonly #deps: Deps
  /** Rooms whose members changed. */
  readonly #moves: ChangeIndex<number>
  /** Users who were told of a changed list. */
  readonly #told: ChangeIndex<UserId>
  readonly #listeners: KeyChangeListener[] = []
  readonly #listsListeners: ListsListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.#moves = new ChangeIndex(deps.stream.current)
    this.#told = new ChangeIndex(deps.stream.current)
  }

  /** For `Append`: whether somebody came or went. */
  onAppended({ room, changes }: Appended): void {
    if (changes.some(({ event, replaces }) => (event ?? replaces)?.type === 'm.room.member')) {
      this.#moves.note(room.nid, this.#deps.stream.current)
    }
  }

  /** Has `listener` write along with every change of keys that others see. */
  onChange(listener: KeyChangeListener): void {
    this.#listeners.push(listener)
  }

  /** The same for whatever changes what our users see of anybody's devices. */
  onListsChange(listener: ListsListener): void {
    this.#listsListeners.push(listener)
  }

  /**
   * Notes in a write of the stream that a user's devices or keys changed. Those who share a room with the user wake when
   * it is announced, nobody else. `write` is for what of the change bears its position.
   */
  async note(
    tx: Tx,
    take: Take,
    owner: Owner,
    change: KeyChange,
    write: (pos: number) => Promise<void> = async () => {},
  ): Promise<() => void> {
    const { clock } = this.#deps
    const neighbours = await store.listNeighbours(tx, [owner.userNid])
    const devices = change.deviceIds?.length ?? 0
    const { pos } = await take(Math.max(1, devices))
    const last = pos + Math.max(1, devices) - 1
    const before = await store.findListVersion(tx, owner.userNid)
    const version = devices > 0 ? last : before
    await store.upsertDeviceLists(tx, [{ user_nid: owner.userNid, pos: last, ts: clock.now(), version }])
    await write(last)
    for (const listener of this.#listeners) await listener(tx, owner, change, { pos, before })
    const seenBy = [owner.userId, ...neighbours]
    for (const listener of this.#listsListeners) await listener(tx, [owner.userNid], seenBy)
    return () => this.#tell(new Set(seenBy), last)
  }

  /** The same for users of other servers, which have told us of it. */
  async noteOthers(tx: Tx, take: Take, users: readonly Owner[]): Promise<() => void> {
    if (users.length === 0) return () => {}
    const nids = users.map(({ userNid }) => userNid)
    const neighbours = await store.listNeighbours(tx, nids)
    const { pos } = await take(1)
    const ts = this.#deps.clock.now()
    await store.upsertDeviceLists(
      tx,
      nids.map((user_nid) => ({ user_nid, pos, ts, version: 0 })),
    )
    for (const listener of this.#listsListeners) await listener(tx, nids, neighbours)
    return () => this.#tell(new Set(neighbours), pos)
  }

  /** Notes what only the user's own devices may see: whose keys the user signed (spec: no other learns of it). */
  async noteSigning(take: Take, { userId }: Owner, write: (pos: number) => Promise<void>): Promise<() => void> {
    const { pos } = await take(1)
    await write(pos)
    return () => this.#tell([userId], pos)
  }

  #tell(users: Iterable<UserId>, pos: number): void {
    for (const one of users) this.#told.note(one, pos)
    this.#deps.hub.publish(users, pos)
  }

  /** What changed in (`after`, `upTo`]. */
  changes(owner: Owner, rooms: RoomsOfUser, after: number, upTo: number): Awaitable<ListChanges> {
    const moved: number[] = []
    for (const { roomNid } of rooms.values()) if (this.#moves.mayHaveChanged(roomNid, after)) moved.push(roomNid)
    const told = this.#told.mayHaveChanged(owner.userId, after)
    return told || moved.length > 0 ? this.#read(owner, moved, told, after, upTo) : { changed: [], left: [] }
  }

  async #read(
    { userNid }: Owner,
    moved: readonly number[],
    told: boolean,
    after: number,
    upTo: number,
  ): Promise<ListChanges> {
    const { db } = this.#deps
    const changed = told ? await store.listChangedUsers(db, userNid, after, upTo) : []
    const signed = told ? await listSignedUsers(db, userNid, after, upTo) : []
    const met = await store.listMet(db, userNid, moved, after)
    const left = await store.listParted(db, userNid, moved, after)
    return { changed: [...new Set([...changed, ...signed, ...met])], left }
  }
}
