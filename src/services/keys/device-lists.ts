import type { UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../../storage/db.ts'
import * as store from '../../storage/device-lists.ts'
import type { Owner } from '../account-data.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Appended } from '../rooms/append.ts'
import type { Stream, Take } from '../stream.ts'
import type { RoomsOfUser } from '../sync/user-rooms.ts'

interface Deps {
  db: Db
  stream: Stream
  hub: Hub
}

/** Whose devices a client should look at again, and whose no longer concern it. */
export interface ListChanges {
  readonly changed: readonly string[]
  readonly left: readonly string[]
}

/** Which users' devices or keys changed, and who came into or went out of sight (spec: Tracking the device list). */
export class DeviceLists {
  readonly #deps: Deps
  /** Rooms whose members changed. */
  readonly #moves: ChangeIndex<number>
  /** Users who were told of a changed list. */
  readonly #told: ChangeIndex<UserId>

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

  /**
   * Notes in a write of the stream that a user's devices or keys changed. Returns what to announce: those who share a
   * room with the user wake, nobody else.
   */
  async note(tx: Tx, take: Take, { userId, userNid }: Owner): Promise<() => void> {
    const neighbours = (await store.listNeighbours(tx, userNid)) as UserId[]
    const { pos } = await take(1)
    await store.upsertDeviceList(tx, userNid, pos)
    return () => {
      const told = new Set<UserId>([userId, ...neighbours])
      for (const one of told) this.#told.note(one, pos)
      this.#deps.hub.publish(told, pos)
    }
  }

  /** Notes a change that was written before. */
  noteChange(owner: Owner): Promise<void> {
    return this.#deps.stream.write(async (tx, take) => ({
      value: undefined,
      announce: await this.note(tx, take, owner),
    }))
  }

  /** What changed in (`after`, `upTo`]. */
  async changes({ userId, userNid }: Owner, rooms: RoomsOfUser, after: number, upTo: number): Promise<ListChanges> {
    const { db } = this.#deps
    const moved = [...rooms.values()]
      .filter(({ roomNid }) => this.#moves.mayHaveChanged(roomNid, after))
      .map(({ roomNid }) => roomNid)
    const changed = this.#told.mayHaveChanged(userId, after)
      ? await store.listChangedUsers(db, userNid, after, upTo)
      : []
    const met = await store.listMet(db, userNid, moved, after)
    const left = await store.listParted(db, userNid, moved, after)
    return { changed: [...new Set([...changed, ...met])], left }
  }
}
