import type { PassingReceipt } from '../../federation/sending/passing-edus.ts'
import type { Sender } from '../../federation/sending/sender.ts'
import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Clock } from '../../util/clock.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRoom } from '../rooms/live-room.ts'

interface Deps {
  readonly sender: Sender
  readonly clock: Clock
  readonly serverName: string
  /** The servers that share a room with the user. */
  serversOf(userNid: number): Promise<readonly string[]>
  /** Whether nothing goes out of the room. */
  isFrozen(roomId: RoomId): boolean
  onFailure(error: unknown): void
}

/** Others forget within a minute that somebody is typing: who goes on is told of again after this time. */
const TYPING_AGAIN_MS = 20_000

/** What happens here and is of interest to other servers. */
export class Outgoing {
  readonly #deps: Deps
  readonly #typing = new Map<string, number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Wakes those for whom events have been queued: the servers in the room, and those that have just left it. */
  onAppended({ room, changes, isOutgoing }: Appended): void {
    if (!isOutgoing) return
    const moved = changes.flatMap(({ event, replaces }) => {
      const member = event ?? replaces
      return member?.type === 'm.room.member' ? serverOf(member.stateKey ?? '') : []
    })
    this.#deps.sender.wake(new Set([...room.servers.keys(), ...moved]))
  }

  /** A user began, went on or stopped typing. */
  onTyping(room: LiveRoom, userId: UserId, isTyping: boolean): void {
    const { sender, clock } = this.#deps
    const key = `m.typing ${room.roomId} ${userId}`
    // Also where nobody is to be told any more: the last of the others may have left meanwhile.
    if (!isTyping && !this.#typing.delete(key)) return
    if (!this.#concerns(room, userId)) return
    const now = clock.now()
    if (isTyping && now - (this.#typing.get(key) ?? Number.NEGATIVE_INFINITY) < TYPING_AGAIN_MS) return
    if (isTyping) this.#typing.set(key, now)
    const content = { room_id: room.roomId, user_id: userId, typing: isTyping }
    sender.pass(room.servers.keys(), key, { type: 'm.typing', content })
  }

  /** A user has read something, and does not hide it. */
  onReceipt(room: LiveRoom, receipt: PassingReceipt): void {
    if (this.#concerns(room, receipt.userId)) this.#deps.sender.passReceipt(room.servers.keys(), receipt)
  }

  /** A user came or went. `presence`: as other servers get it. */
  onPresence(userId: UserId, userNid: number, presence: JsonObject): void {
    const { sender, serverName, serversOf, onFailure } = this.#deps
    if (serverOf(userId) !== serverName) return
    const content = { push: [{ ...presence, user_id: userId }] }
    serversOf(userNid)
      .then((servers) => sender.pass(servers, `m.presence ${userId}`, { type: 'm.presence', content }))
      .catch(onFailure)
  }

  /** Whether it is about one of ours, and another server is there that may be told. */
  #concerns(room: LiveRoom, userId: string): boolean {
    const { serverName, isFrozen } = this.#deps
    if (serverOf(userId) !== serverName || isFrozen(room.roomId)) return false
    return room.servers.size > (room.servers.has(serverName) ? 1 : 0)
  }
}
