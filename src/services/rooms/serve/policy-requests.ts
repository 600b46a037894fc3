import { badJson, MatrixError, notFound } from '../../../matrix/errors.ts'
import { isRoomId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Signatures } from '../../../matrix/sign-json.ts'
import type { Pdu } from '../../../room/event.ts'
import { checkFormat } from '../../../room/format.ts'
import { hasOwnContent } from '../../../room/hashes.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { OwnPolicy } from '../policy/own-policy.ts'
import { isPolicy, type PolicyServers } from '../policy/policy-server.ts'

interface Deps {
  readonly rooms: LiveRooms
  readonly policyServers: PolicyServers
  /** Undefined: this is no policy server. */
  readonly ownPolicy: OwnPolicy | undefined
}

/** Answers servers that ask whether an event may enter a room (spec: askPolicyServerToSign). */
export class PolicyRequests {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The key that rooms name in `m.room.policy`. Throws `M_NOT_FOUND` where this is no policy server. */
  get publicKey(): string {
    const { ownPolicy } = this.#deps
    if (!ownPolicy) throw notFound('This server is no policy server')
    return ownPolicy.publicKey
  }

  /**
   * Signs the event for a server in its room. Throws `M_NOT_FOUND` for rooms that this server does not watch over,
   * `M_BAD_JSON` for what is no event of the room, and `M_FORBIDDEN` for an event that it refuses.
   */
  async sign(server: string, event: JsonObject): Promise<Signatures> {
    const { rooms, policyServers, ownPolicy } = this.#deps
    const { room_id: roomId } = event
    const room = typeof roomId === 'string' && isRoomId(roomId) ? await rooms.find(roomId) : undefined
    if (!ownPolicy || !room?.servers.has(server) || !(await policyServers.isOurs(room))) {
      throw notFound('This server watches over no such room')
    }
    const problem = checkFormat(event, room.version, { isRemote: true })
    if (problem !== undefined) throw badJson(problem)
    const pdu = event as unknown as Pdu
    if (isPolicy(pdu)) throw new MatrixError('M_FORBIDDEN', 'This event needs no signature', { status: 400 })
    // What is signed is the hash: of another content it would say nothing.
    if (!hasOwnContent(pdu)) throw badJson('The content is not that of the hash')
    return ownPolicy.sign(pdu, room.version)
  }
}
