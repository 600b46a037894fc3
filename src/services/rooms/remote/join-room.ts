import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { JoinAnswer } from '../../../federation/requests/memberships.ts'
import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import { isServerName, type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { roomIdOf } from '../../../room/hashes.ts'
import type { SignedEvent } from '../../../room/signing.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import { roomVersionIds } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Append } from '../append.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import { nothingOf, signedEventsOf } from '../receive/fetched.ts'
import type { Incoming } from '../receive/incoming.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import { adoptRoom } from './adopt-room.ts'
import { askInTurn } from './ask-servers.ts'
import { namedServers, serversFor } from './resident-servers.ts'
import { fillTemplate, type TemplateSigner, versionOf, type Wish } from './template.ts'

interface Deps extends TemplateSigner {
  readonly db: Db
  readonly clock: Clock
  readonly append: Append
  readonly rooms: LiveRooms
  readonly client: FederationClient
  readonly signatures: EventSignatures
  mayFederate(serverName: string): boolean
  /** Throws `M_FORBIDDEN` where one of the servers in a room closes it to our users. */
  refuseRoomOf(servers: Iterable<string>): void
  /** Takes an event of a room that we are in, whatever it takes to complete it. */
  complete(origin: string, roomId: RoomId, event: Incoming): Promise<void>
  /** A room was joined without most of its members: has them fetched. */
  onPartialJoin(roomId: RoomId): void
  /** Resolves once all members of the room are known; false when that takes longer. */
  whole(roomId: RoomId, timeoutMs: number): Promise<boolean>
}

/**
 * A client that does not load members lazily is shown a room once all of its members are known. Mostly that is the case
 * in a moment, for which the answer waits.
 */
const WHOLE_WITHIN_MS = 250
/** Other rooms' events, which came with those of a room that is being joined, do not wait longer for that. */
const PATIENCE_MS = 5_000

export interface RemoteJoin {
  readonly roomId: RoomId
  readonly userId: UserId
  /** Of the member event, without `membership`. */
  readonly content: JsonObject
  /** Servers to join through. */
  readonly via: readonly string[]
  /** Whether no other servers are asked than those and who invited the user. */
  readonly isOnlyNamed?: boolean
}

/** Joining rooms through servers that are in them (spec: server-server API, Joining Rooms). */
export class RemoteJoins {
  readonly #deps: Deps
  readonly #joining = new Map<RoomId, Promise<void>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Joins through the first server that lets the user in. Two joins of one room are never under way at once; gives
   * false when we are in the room by the time it is this one's turn, so that it can be tried here first.
   */
  async join(wish: RemoteJoin): Promise<boolean> {
    const { roomId } = wish
    const isResident = async () => ((await this.#deps.rooms.find(roomId))?.localJoined.size ?? 0) > 0
    const wasResident = await isResident()
    for (let other = this.#joining.get(roomId); other; other = this.#joining.get(roomId)) await other
    if (!wasResident && (await isResident())) return false
    const work = this.#join(wish)
    const settled = work.then(
      () => {},
      () => {},
    )
    this.#joining.set(roomId, settled)
    try {
      await work
      return true
    } finally {
      this.#joining.delete(roomId)
    }
  }

  /** Resolves once no join of the room is under way, or after a while. */
  async settled(roomId: RoomId): Promise<void> {
    const joining = this.#joining.get(roomId)
    if (!joining) return
    const over = new AbortController()
    await Promise.race([joining, this.#deps.clock.sleep(PATIENCE_MS, over.signal)])
    over.abort()
  }

  async #join(wish: RemoteJoin): Promise<void> {
    const { roomId, userId, via, isOnlyNamed } = wish
    const room = await this.#deps.rooms.find(roomId)
    const servers = isOnlyNamed
      ? await namedServers(this.#deps, room, userId, via)
      : await serversFor(this.#deps, roomId, room, userId, via)
    await askInTurn(servers, (server) => this.#joinThrough(server, wish))
  }

  async #joinThrough(server: string, { roomId, userId, content }: RemoteJoin): Promise<void> {
    const { client, clock, rooms } = this.#deps
    const template = await client.memberships.makeJoin(server, roomId, userId, roomVersionIds())
    const version = versionOf(template)
    if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'The room has a version that is not known here')
    const wish = { roomId, userId, content: { ...content, membership: 'join' }, now: clock.now() }
    const signed = fillTemplate(template, version, wish, this.#deps)
    if (!signed) throw new RemoteFailure(server, 'gave a template that makes no join')
    const { pdu, eventId } = signed
    const answer = await client.memberships.sendJoin(server, roomId, eventId, pdu as JsonObject, true)
    await this.#refuseStrangers(server, wish, version, answer)
    const join = await this.#joinOf(server, { roomId, version }, signed, answer)
    const room = await rooms.find(roomId)
    if (room && room.localJoined.size > 0) return this.#enter(server, roomId, join)
    // We have been there a moment ago, and what we know of the room is as good as what we are told.
    if (room?.isPartial && (await this.#isTaken(roomId, join))) return
    const { state, authChain } = await this.#readState(server, { roomId, version }, answer)
    const partial = answer.membersOmitted ? { via: server, servers: this.#serversIn(server, answer) } : undefined
    await adoptRoom(this.#deps, { roomId, version, state, authChain, join, partial })
    if (!partial) return
    this.#deps.onPartialJoin(roomId)
    await this.#deps.whole(roomId, WHOLE_WITHIN_MS)
  }

  #serversIn(server: string, { serversInRoom }: JoinAnswer): string[] {
    if (!serversInRoom) throw new RemoteFailure(server, 'leaves out the members of the room without naming its servers')
    return serversInRoom.filter((name) => isServerName(name))
  }

  /** Who is in the room is known only now. Where our users may not be with them, ours leaves again at once. */
  async #refuseStrangers(server: string, wish: Wish, version: RoomVersion, answer: JoinAnswer): Promise<void> {
    try {
      this.#deps.refuseRoomOf(answer.serversInRoom ?? serversIn(answer.state))
    } catch (error) {
      const { client } = this.#deps
      const { roomId, userId } = wish
      const leave = { ...wish, content: { membership: 'leave' } }
      const told = client.memberships.makeLeave(server, roomId, userId).then((template) => {
        const signed = fillTemplate(template, version, leave, this.#deps)
        return signed && client.memberships.sendLeave(server, roomId, signed.eventId, signed.pdu as JsonObject)
      })
      await told.catch(nothingOf)
      throw error
    }
  }

  /** The join with the signature of the server that vouches for it. */
  async #joinOf(
    server: string,
    room: { roomId: RoomId; version: RoomVersion },
    { eventId, pdu, json }: SignedEvent,
    { event }: JoinAnswer,
  ): Promise<Incoming> {
    if (pdu.content.join_authorised_via_users_server === undefined) return { eventId, pdu, json }
    const [given] = await signedEventsOf(this.#deps.signatures, room, [event])
    if (given?.eventId === eventId) return given
    throw new RemoteFailure(server, 'did not sign the join for which it vouches')
  }

  /** Another of our users is in the room already. */
  async #enter(server: string, roomId: RoomId, join: Incoming): Promise<void> {
    if (!(await this.#isTaken(roomId, join))) await this.#deps.complete(server, roomId, join)
  }

  /** Adds the join to what we know of the room; false where something between is missing. */
  async #isTaken(roomId: RoomId, join: Incoming): Promise<boolean> {
    const outcome = (await receiveEvents(this.#deps, roomId, [join])).get(join.eventId)
    if (outcome?.is === 'rejected' || outcome?.is === 'softFailed') throw forbidden(outcome.reason)
    return outcome?.is !== 'missing'
  }

  async #readState(
    server: string,
    room: { roomId: RoomId; version: RoomVersion },
    answer: JoinAnswer,
  ): Promise<{ state: Incoming[]; authChain: Incoming[] }> {
    // What has no valid signature is left out: the room is what remains.
    const state = await signedEventsOf(this.#deps.signatures, room, answer.state)
    const authChain = await signedEventsOf(this.#deps.signatures, room, answer.authChain)
    const create = [...state, ...authChain].find(({ pdu }) => pdu.type === 'm.room.create' && pdu.state_key === '')
    const said = create?.pdu.content.room_version ?? '1'
    if (!create || said !== room.version.id || roomIdOf(create.pdu, room.version) !== room.roomId) {
      throw new RemoteFailure(server, 'gave a state without the create event of the room')
    }
    return { state, authChain }
  }
}

/** The servers of those who say that they are in the room. */
function serversIn(state: readonly JsonObject[]): Set<string> {
  const servers = new Set<string>()
  for (const { type, state_key: userId, content } of state) {
    const isJoined = type === 'm.room.member' && isObject(content) && content.membership === 'join'
    if (isJoined && typeof userId === 'string') servers.add(serverOf(userId))
  }
  return servers
}
