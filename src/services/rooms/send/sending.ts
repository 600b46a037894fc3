import { badJson, forbidden, invalidParam, MatrixError, userSuspended } from '../../../matrix/errors.ts'
import { isEventId, isUserId, type RoomId, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { findSenderOf } from '../../../storage/rooms/events.ts'
import type { Append } from '../append.ts'
import { checkEncryption, type EncryptionPolicy } from '../create/encryption.ts'
import type { SendRequest, Sent } from '../draft.ts'
import type { Txn } from '../entry.ts'
import type { Joins } from '../membership/joins.ts'
import type { Memberships } from '../membership/membership.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly memberships: Memberships
  readonly encryption: EncryptionPolicy
  readonly joins: Joins
  /** Throws `M_BAD_ALIAS` when a canonical alias event names an alias that does not lead to this room. */
  checkCanonicalAlias(roomId: RoomId, content: JsonObject): Promise<void>
}

/** Whose event it is; a route's `Requester` is one. */
interface Sender {
  userId: UserId
  isGuest: boolean
  isSuspended?: boolean
  /** When it happened, where the sender may say so. */
  ts?: number | undefined
  /** By which an event is found that was sent before. */
  txn?: Txn | undefined
}

/** Sending events as a client asks for it (spec: client-server API, Sending events to a room). */
export class Sending {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Sends an event that is no state, once for each transaction. */
  async message(sender: Sender, roomId: RoomId, type: string, content: JsonObject): Promise<Sent> {
    if (type === 'm.room.redaction') {
      // Clients may send a redaction as an ordinary event; it acts like the endpoint made for it.
      const { redacts, ...rest } = content
      if (typeof redacts !== 'string') throw badJson('A redaction names the event in `redacts`')
      return this.redact(sender, roomId, redacts, rest)
    }
    const { userId, ts, txn } = sender
    return this.#append(roomId, { draft: { type, sender: userId, content, ts }, txn })
  }

  /**
   * Redacts an event, the same way; `content` may hold a reason. Suspended users take back what they said themselves, and
   * nothing else (spec: Account suspension): throws `M_USER_SUSPENDED`.
   */
  async redact(sender: Sender, roomId: RoomId, eventId: string, content: JsonObject): Promise<Sent> {
    if (!isEventId(eventId)) throw invalidParam('Not an event id')
    const { userId, isSuspended = false, ts, txn } = sender
    if (isSuspended && (await findSenderOf(this.#deps.db, eventId)) !== userId) throw userSuspended()
    const draft = { type: 'm.room.redaction', sender: userId, content, redacts: eventId, ts }
    return this.#append(roomId, { draft, txn })
  }

  /**
   * Sends a state event. What has rules of its own obeys them here too: memberships, canonical aliases (`M_BAD_ALIAS`), and
   * whether rooms may be encrypted.
   */
  async state(
    sender: Sender,
    roomId: RoomId,
    type: string,
    stateKey: string,
    content: JsonObject,
  ): Promise<{ eventId: string }> {
    if (type === 'm.room.create') throw invalidParam('A room is created once')
    checkEncryption(this.#deps.encryption, type)
    if (type === 'm.room.member') return this.#member(sender, roomId, stateKey, content)
    if (type === 'm.room.canonical_alias') {
      await this.#soundingAlike(sender.userId, roomId, () => this.#deps.checkCanonicalAlias(roomId, content))
    }
    return this.#send(sender, roomId, type, stateKey, content)
  }

  /** Membership through the state endpoint acts like the endpoints made for it. */
  async #member(sender: Sender, roomId: RoomId, target: string, given: JsonObject): Promise<{ eventId: string }> {
    const { memberships, joins } = this.#deps
    const { userId, ts } = sender
    if (!isUserId(target)) throw badJson('The state key of a member event is a user id')
    // Who vouches for a join is the server's to say.
    const { join_authorised_via_users_server: _, ...content } = given
    const { membership, ...extra } = content
    if (membership === 'join' && userId === target && !(await memberships.isJoined(userId, roomId))) {
      await joins.join(sender, roomId, { extra, ts })
    } else if (membership === 'invite') {
      await memberships.invite({ sender: userId, roomId, target, extra, ts })
    } else {
      if (membership === 'leave' && userId === target) await memberships.checkRejection(userId, roomId)
      return this.#send(sender, roomId, 'm.room.member', target, content)
    }
    const eventId = await memberships.memberEventId(roomId, target)
    if (eventId === undefined) throw new Error('A member event that was just sent is not there')
    return { eventId }
  }

  #send(sender: Sender, roomId: RoomId, type: string, stateKey: string, content: JsonObject): Promise<Sent> {
    const { userId, ts, txn } = sender
    return this.#append(roomId, { draft: { type, sender: userId, stateKey, content, ts }, txn })
  }

  #append(roomId: RoomId, request: SendRequest): Promise<Sent> {
    return this.#soundingAlike(request.draft.sender, roomId, () => this.#deps.append.send(roomId, request))
  }

  /** Whatever is refused to who is not in the room sounds as it does where there is no such room. */
  async #soundingAlike<T>(userId: UserId, roomId: RoomId, send: () => Promise<T>): Promise<T> {
    try {
      return await send()
    } catch (error) {
      const isStranger = error instanceof MatrixError && !(await this.#deps.memberships.isJoined(userId, roomId))
      throw isStranger ? forbidden('You are not in this room') : error
    }
  }
}
