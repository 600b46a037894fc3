import type { Logger } from 'pino'
import { forbidden } from '../../../matrix/errors.ts'
import { type RoomId, serverOf } from '../../../matrix/ids.ts'
import type { RoomEvent } from '../../../room/event.ts'
import { type Db, transact } from '../../../storage/db.ts'
import * as table from '../../../storage/federation/frozen-rooms.ts'
import { internName, nameNids } from '../../../storage/names.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Append, Appended } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  readonly rooms: LiveRooms
  readonly append: Append
  /** What becomes of our users in a room that gets such a member. */
  readonly onArrival: 'freeze' | 'leave'
  readonly policy: StrangerPolicy
}

interface StrangerPolicy {
  /** Whether a member from that server closes a room to our users. */
  isStranger(serverName: string): boolean
  /** Whether the list has run out, so that nobody is to be driven out because of it. */
  readonly hasRunOut: boolean
}

const LEAVE_REASON = 'The room has a member of a server that this server does not talk to'

/** Rooms in which nothing of ours goes out and nothing comes in, until the servers that closed them are listed. */
export class FrozenRooms {
  readonly #policy: StrangerPolicy
  readonly #servers = new Map<RoomId, Set<string>>()

  constructor(policy: StrangerPolicy) {
    this.#policy = policy
  }

  add(roomId: RoomId, server: string): void {
    const servers = this.#servers.get(roomId) ?? new Set()
    this.#servers.set(roomId, servers.add(server))
  }

  /** The servers that closed rooms and are listed now: they do so no more. */
  takeListed(): Set<string> {
    const listed = new Set<string>()
    for (const servers of this.#servers.values()) {
      for (const server of servers) {
        if (this.#policy.isStranger(server)) continue
        listed.add(server)
        servers.delete(server)
      }
    }
    return listed
  }

  has(roomId: RoomId): boolean {
    const servers = this.#servers.get(roomId)
    return servers !== undefined && [...servers].some((server) => this.#policy.isStranger(server))
  }
}

/**
 * Members of servers that are not on the federation list: a room that has one is closed to our users, and one that gets
 * one through another server is frozen for them, or they leave it.
 *
 * Nobody asks such a server for anything, not even for the keys by which its events could be proven. So the word of a
 * listed server that is in the room counts: it could have let the stranger in.
 */
export class UnlistedMembers {
  readonly #deps: Deps
  readonly #frozen: FrozenRooms
  #arrivals = Promise.resolve()

  constructor(deps: Deps, frozen: FrozenRooms) {
    this.#deps = deps
    this.#frozen = frozen
  }

  async start(): Promise<void> {
    const rows = await table.listFrozenRooms(this.#deps.db)
    for (const { room_id, server } of rows) this.#frozen.add(room_id, server)
    await this.review()
  }

  async close(): Promise<void> {
    await this.#arrivals
  }

  /** Looks for rooms that have members of servers which are listed no more, and opens those whose strangers are none now. */
  async review(): Promise<void> {
    const { db, rooms, policy } = this.#deps
    if (policy.hasRunOut) return
    const listed = this.#frozen.takeListed()
    if (listed.size > 0) {
      const nids = await nameNids(db, [...listed])
      await transact(db, (tx) => table.deleteFrozenRooms(tx, [...nids.values()]))
    }
    for (const server of await table.listServersInRooms(db)) {
      if (!policy.isStranger(server)) continue
      for (const { room_id: roomId } of await table.listRoomsOfServer(db, server)) {
        const room = await rooms.find(roomId)
        if (room) await this.#onArrival(room, server)
      }
    }
  }

  /** Throws `M_FORBIDDEN` where one of the servers in a room closes it to our users. */
  refuseRoomOf(servers: Iterable<string>): void {
    for (const server of servers) {
      if (this.#deps.policy.isStranger(server)) throw forbidden(LEAVE_REASON)
    }
  }

  /** A server passed on events; those of strangers, who must be in the room then, have not been taken. */
  async onEvents(origin: string, room: LiveRoom, events: readonly RoomEvent[]): Promise<void> {
    const { policy } = this.#deps
    if (!room.servers.has(origin)) return
    const senders = new Set(events.filter(isOfMember).map(({ pdu }) => serverOf(pdu.sender)))
    for (const server of senders) if (policy.isStranger(server)) await this.#onArrival(room, server)
  }

  /** For `Append`: a stranger may come in with a state that is taken over at a gap, before he has said anything. */
  onAppended({ room, changes }: Appended): void {
    const { policy, log } = this.#deps
    const joined = changes.flatMap(({ event }) => (event?.membership === 'join' ? serverOf(event.stateKey ?? '') : []))
    const server = [...new Set(joined)].find((name) => policy.isStranger(name))
    if (server === undefined) return
    // Not under the room's lock.
    this.#arrivals = this.#arrivals
      .then(() => this.#onArrival(room, server))
      .catch((err) => log.error({ err, roomId: room.roomId, server }, 'closing a room to a stranger failed'))
  }

  async #onArrival(room: LiveRoom, server: string): Promise<void> {
    const { db, clock, log, append, onArrival, policy } = this.#deps
    const { roomId } = room
    if (room.localJoined.size === 0 || this.#frozen.has(roomId)) return
    if (onArrival === 'leave' && !policy.hasRunOut) {
      const users = [...room.localJoined]
      log.warn({ roomId, server, users: users.length }, 'a server that is not listed is in a room: our users leave it')
      const content = { membership: 'leave', reason: LEAVE_REASON }
      const leave = (userId: (typeof users)[number]) =>
        append.send(roomId, { draft: { type: 'm.room.member', sender: userId, stateKey: userId, content } })
      await Promise.allSettled(users.map(leave))
      // Where the room's policy server does not let them, they stay, and see nothing more of it.
      if (room.localJoined.size === 0) return
    }
    log.warn({ roomId, server }, 'a server that is not listed is in a room: it is frozen for our users')
    await transact(db, async (tx) => {
      const serverNid = await internName(tx, server)
      await table.insertFrozenRoom(tx, room.nid, serverNid, clock.now())
    })
    this.#frozen.add(roomId, server)
  }
}

/** Not the event of somebody who only left, or was never in the room. */
const isOfMember = ({ pdu }: RoomEvent): boolean =>
  pdu.type !== 'm.room.member' || pdu.content.membership === 'join' || pdu.sender !== pdu.state_key
