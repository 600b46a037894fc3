import { forbidden, invalidParam } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import { serverOf } from '../../../matrix/ids.ts'
import { addSignature } from '../../../matrix/sign-json.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import type { Db } from '../../../storage/db.ts'
import type { LongText } from '../../../util/long-text.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import { authorisingUser } from '../membership/restricted-join.ts'
import type { PolicyServers } from '../policy/policy-server.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import type { Incoming, Parsed } from '../receive/incoming.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import { strippedPdus } from '../remote/stripped-pdus.ts'
import { STRIPPED_TYPES } from '../state/stripped-state.ts'
import { type JoinedRoom, joinAnswer } from './join-answer.ts'
import { parseMemberEvent, requireSignatures } from './member-event.ts'
import type { PeerRooms } from './peer-rooms.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly signatures: EventSignatures
  readonly peerRooms: PeerRooms
  readonly policyServers: PolicyServers
}

type Membership = 'join' | 'leave' | 'knock'

/** Lets users of other servers in and out of rooms that we are in (spec: send_join, send_leave, send_knock). */
export class Admissions {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer of send_join, as JSON text. `omitMembers`: most of the state may be left out. */
  async join(origin: string, roomId: string, eventId: string, value: unknown, omitMembers: boolean): Promise<LongText> {
    const { db, peerRooms } = this.#deps
    const room = await peerRooms.joinable(origin, roomId)
    const event = await this.#vouched(room, parseMemberEvent(value, expected(origin, room, eventId, 'join')))
    const before: JoinedRoom = { room, servers: [...room.servers.keys()] }
    const join = await this.#enter(origin, room, event)
    // A fork can undo a join as it comes in. Whoever is not in the room will not be told the rest of its state later.
    return joinAnswer(db, this.#deps, before, join, omitMembers && room.servers.has(origin))
  }

  async leave(origin: string, roomId: string, eventId: string, value: unknown): Promise<void> {
    const room = await this.#deps.peerRooms.admitting(origin, roomId)
    await this.#enter(origin, room, parseMemberEvent(value, expected(origin, room, eventId, 'leave')))
  }

  /** The answer of send_knock, as JSON text. */
  async knock(origin: string, roomId: string, eventId: string, value: unknown): Promise<string> {
    const room = await this.#deps.peerRooms.joinable(origin, roomId)
    const event = await this.#enter(origin, room, parseMemberEvent(value, expected(origin, room, eventId, 'knock')))
    const state = await room.loadState([
      ...STRIPPED_TYPES.map((type) => [type, ''] as const),
      ['m.room.member', event.pdu.sender],
    ])
    return `{"knock_room_state":[${strippedPdus(state, event.pdu.sender, this.#deps).join()}]}`
  }

  /** A join with our signature, where one of our users vouches for it (spec: Restricted rooms). */
  async #vouched(room: LiveRoom, event: Parsed): Promise<Parsed> {
    const { serverName, signingKey } = this.#deps
    const { pdu } = event
    const via = pdu.content.join_authorised_via_users_server
    if (typeof via !== 'string' || !room.version.restricted || serverOf(via) !== serverName) return event
    const userId = pdu.sender as UserId
    const allowed = await authorisingUser(room, userId, await room.membershipOf(userId), this.#deps)
    if (allowed === undefined && (await room.membershipOf(userId)) !== 'invite') {
      throw invalidParam('Nobody needs to vouch for this join')
    }
    const signatures = addSignature(pdu.signatures, serverName, signingKey.keyId, signingKey.sign(event.essential))
    return { ...event, pdu: { ...pdu, signatures } }
  }

  /** Adds the event to the room, and sends it on to the other servers there. */
  async #enter(origin: string, room: LiveRoom, parsed: Parsed): Promise<Incoming> {
    const signed = await requireSignatures(this.#deps.signatures, parsed, room.version)
    const event = await this.#deps.policyServers.recommended(room, signed)
    const hints = { outgoing: { except: origin }, isWhileThere: true }
    const outcome = (await receiveEvents(this.#deps, room.roomId, [event], hints)).get(event.eventId)
    if (outcome?.is === 'missing') throw invalidParam('The event follows events that are not known here')
    if (outcome?.is === 'rejected' || outcome?.is === 'softFailed') throw forbidden(outcome.reason)
    return event
  }
}

const expected = (origin: string, { roomId, version }: LiveRoom, eventId: string, membership: Membership) => ({
  origin,
  roomId,
  version,
  eventId,
  membership,
})
