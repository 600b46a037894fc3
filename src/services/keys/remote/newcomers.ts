import type { Edu } from '../../../federation/sending/edu.ts'
import type { Sender } from '../../../federation/sending/sender.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import { findNewestDevice } from '../../../storage/accounts/devices.ts'
import { type Db, transact } from '../../../storage/db.ts'
import { findListVersion, listRecentlyChanged } from '../../../storage/keys/device-lists.ts'
import { nameNids } from '../../../storage/names.ts'
import { listServersMet } from '../../../storage/rooms/room-servers.ts'
import { findRoomByNid } from '../../../storage/rooms/rooms.ts'
import { Turn } from '../../../util/turn.ts'
import type { Owner } from '../../account-data/account-data.ts'
import type { Appended } from '../../rooms/append.ts'
import { moveOf } from '../../rooms/server-moves.ts'
import type { PublishedKeys } from './published-keys.ts'

interface Deps {
  readonly db: Db
  readonly sender: Sender
  readonly published: PublishedKeys
  readonly serverName: string
  /** Told when telling others fails because of us. */
  onFailure(error: unknown): void
}

/** Clocks differ by no more. */
const CLOCKS_DIFFER_MS = 60_000
/** Users of whom a server hears when it comes into a room, whenever it says that it came. */
const MAX_USERS = 500

/**
 * Tells servers that newly share a room with a user of ours that there is a device list to follow (spec: server-server
 * API, Device Management). Nothing is lost where that is lost: it says which version there is, not what has changed.
 */
export class Newcomers {
  readonly #deps: Deps
  #work: Promise<void> = Promise.resolve()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `Append`. */
  onAppended({ room, changes }: Appended): void {
    const { serverName, onFailure } = this.#deps
    if (room.servers.size < 2) return
    const joined = changes.flatMap((edit) => (moveOf(edit)?.by === 1 && edit.event ? edit.event : []))
    if (joined.length === 0) return
    const [ours, theirs] = [[] as UserId[], new Map<string, number>()]
    const counts = new Map<string, number>()
    for (const { stateKey = '', row } of joined) {
      const server = serverOf(stateKey)
      counts.set(server, (counts.get(server) ?? 0) + 1)
      if (server === serverName) ours.push(stateKey as UserId)
      else theirs.set(server, Math.min(row.ts, theirs.get(server) ?? row.ts))
    }
    const arrived = [...theirs].filter(([server]) => room.servers.get(server) === counts.get(server))
    this.#work = this.#work
      .then(async () => {
        for (const userId of ours) await this.#onUser(userId, room.nid)
        for (const [server, ts] of ours.length === 0 ? arrived : []) await this.#onServer(server, room.nid, ts)
      })
      .catch(onFailure)
  }

  /** Ends after what has begun. */
  close(): Promise<void> {
    return this.#work
  }

  /** A user of ours has joined a room: the servers in it that had no other room with the user. */
  async #onUser(userId: UserId, roomNid: number): Promise<void> {
    const { db, serverName } = this.#deps
    const nids = await nameNids(db, [userId, serverName])
    const userNid = nids.get(userId)
    if (userNid === undefined) return
    const servers = await listServersMet(db, userNid, roomNid, nids.get(serverName) ?? 0)
    if (servers.length === 0) return
    // Where most members are not known yet, whoever has no keys makes no noise: it may be thousands of servers.
    const isPartial = (await findRoomByNid(db, roomNid))?.partial_join_nid != null
    await this.#tell(servers, { userId, userNid }, !isPartial)
  }

  /**
   * A server has come into a room: whose devices changed while its join was on the way to us. It may have read them
   * before, and was not told of the change, since we did not know that it is in the room.
   */
  async #onServer(server: string, roomNid: number, joinTs: number): Promise<void> {
    const turn = new Turn()
    const changed = await listRecentlyChanged(this.#deps.db, roomNid, joinTs - CLOCKS_DIFFER_MS, MAX_USERS)
    for (const user of changed) {
      await this.#tell([server], { userId: user.user_id, userNid: user.user_nid }, false)
      if (turn.isOver) await turn.give()
    }
  }

  /** `mayBeEmpty`: also of a user who never published a key (as the specification words it). */
  async #tell(servers: readonly string[], owner: Owner, mayBeEmpty: boolean): Promise<void> {
    const { db, sender } = this.#deps
    await transact(db, async (tx) => {
      const { devices } = await this.#deps.published.of(tx, owner)
      const version = await findListVersion(tx, owner.userNid)
      if (devices.length === 0 && version === 0 && !mayBeEmpty) return
      const deviceId = devices.at(-1)?.device_id ?? (await findNewestDevice(tx, owner.userNid))
      if (deviceId === undefined) return
      const content = {
        user_id: owner.userId,
        device_id: deviceId,
        ...devices.at(-1),
        stream_id: version,
        prev_id: [],
      }
      const edu: Edu = { type: 'm.device_list_update', content }
      await sender.enqueueEdus(tx, [{ servers, edu }])
    })
  }
}
