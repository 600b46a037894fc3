import { forbidden, invalidParam, MatrixError } from '../../../matrix/errors.ts'
import { isRoomId, isUserId, type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { addSignature } from '../../../matrix/sign-json.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import { roomIdOf } from '../../../room/hashes.ts'
import { type RoomVersion, roomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import type { Append } from '../append.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import { signedEventsOf } from '../receive/fetched.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import { noteOutside } from '../remote/outside.ts'
import { strippedTextOf } from '../remote/stripped-pdus.ts'
import { parseMemberEvent, requireSignatures } from './member-event.ts'
import { isAdmitted } from './peer-rooms.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly signatures: EventSignatures
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
  /** Whether there is such an account, and it is in use. */
  isActive(userId: UserId): Promise<boolean>
  /** Whether the invitee refuses invites of this sender (invite rules). */
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
}

export interface ReceivedInvite {
  readonly roomId: string
  readonly eventId: string
  readonly roomVersion: string
  readonly event: JsonObject
  /** What the user is told of the room. */
  readonly roomState: readonly unknown[]
}

const MAX_STATE = 50

/** Invites of our users by users of other servers (spec: server-server API, Inviting to a room). */
export class ReceivedInvites {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The invite with our signature, by which the inviting server may add it to its room. */
  async receive(origin: string, invite: ReceivedInvite): Promise<JsonObject> {
    const { db, append, rooms, serverName, signingKey, signatures, isFrozen, isActive, refusesInvite } = this.#deps
    const { roomId, eventId } = invite
    const version = roomVersion(invite.roomVersion)
    if (!version) {
      throw new MatrixError('M_INCOMPATIBLE_ROOM_VERSION', 'The version of the room is not known here', {
        fields: { room_version: invite.roomVersion },
      })
    }
    if (!isRoomId(roomId)) throw invalidParam('Not a room id')
    const expected = { origin, roomId, version, eventId, membership: 'invite' } as const
    const parsed = parseMemberEvent(invite.event, expected)
    const { sender, state_key: target = '' } = parsed.pdu
    if (!isUserId(target) || serverOf(target) !== serverName)
      throw invalidParam('The invited user is not of this server')
    const event = await requireSignatures(signatures, parsed, version)
    await this.#checkCreateEvent(roomId, version, invite.roomState)
    const room = await rooms.find(roomId)
    if (room && room.localJoined.size > 0) {
      if (!(await isAdmitted(room, origin))) throw forbidden('The room does not admit your server')
      if (isFrozen(room.roomId)) throw forbidden('The room is closed here')
    }
    if (!(await isActive(target))) throw forbidden('There is no such user')
    if (await refusesInvite(target, sender as UserId)) {
      throw new MatrixError('M_INVITE_BLOCKED', 'The user does not accept your invites')
    }
    const own = signingKey.sign(parsed.essential)
    const signed = { ...event.pdu, signatures: addSignature(event.pdu.signatures, serverName, signingKey.keyId, own) }
    const strippedState = strippedTextOf(invite.roomState)
    const isOutside = await noteOutside({ db, append }, { roomId, version, event, strippedState })
    // It comes with the room's other events too; the user is to know at once.
    if (!isOutside) await receiveEvents(this.#deps, roomId, [event])
    return signed as JsonObject
  }

  /** Since version 12 the create event proves which room it is. */
  async #checkCreateEvent(roomId: string, version: RoomVersion, state: readonly unknown[]): Promise<void> {
    if (!version.createHashRoomId || !isRoomId(roomId)) return
    const room = { roomId, version }
    const events = await signedEventsOf(this.#deps.signatures, room, state.slice(0, MAX_STATE))
    const isCreate = events.some(({ pdu }) => pdu.type === 'm.room.create' && roomIdOf(pdu, version) === roomId)
    if (!isCreate) throw new MatrixError('M_MISSING_PARAM', 'invite_room_state has no create event of the room')
  }
}
