import { badJson, forbidden, invalidParam } from '../../matrix/errors.ts'
import { isEventId, isUserId, type RoomId, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Append } from './append.ts'
import type { Sent } from './draft.ts'
import type { Memberships } from './membership.ts'

interface Deps {
  append: Append
  memberships: Memberships
  /** Throws `M_BAD_ALIAS` when a canonical alias event names an alias that does not lead to this room. */
  checkCanonicalAlias(roomId: RoomId, content: JsonObject): Promise<void>
}

interface Sender {
  userId: UserId
  deviceNid: number
}

/** Sending events as a client asks for it (spec: client-server API, Sending events to a room). */
export class Sending {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async message(sender: Sender, roomId: RoomId, type: string, txnId: string, content: JsonObject): Promise<Sent> {
    if (type === 'm.room.redaction') {
      // Clients may send a redaction as an ordinary event; it acts like the endpoint made for it.
      if (typeof content.redacts !== 'string') throw badJson('A redaction names the event in `redacts`')
      const { redacts, ...rest } = content
      return this.redact(sender, roomId, redacts as string, txnId, rest)
    }
    return this.#deps.append.send(roomId, {
      draft: { type, sender: sender.userId, content },
      txn: { deviceNid: sender.deviceNid, txnId },
    })
  }

  async redact(sender: Sender, roomId: RoomId, eventId: string, txnId: string, content: JsonObject): Promise<Sent> {
    if (!isEventId(eventId)) throw invalidParam('Not an event id')
    return this.#deps.append.send(roomId, {
      draft: { type: 'm.room.redaction', sender: sender.userId, content, redacts: eventId },
      txn: { deviceNid: sender.deviceNid, txnId },
    })
  }

  async state(
    sender: UserId,
    roomId: RoomId,
    type: string,
    stateKey: string,
    content: JsonObject,
  ): Promise<{ eventId: string }> {
    if (type === 'm.room.create') throw forbidden('A room is created once')
    if (type === 'm.room.member') {
      const eventId = await this.#member(sender, roomId, stateKey, content)
      if (eventId !== undefined) return { eventId }
    }
    if (type === 'm.room.canonical_alias') await this.#deps.checkCanonicalAlias(roomId, content)
    return this.#deps.append.send(roomId, { draft: { type, sender, stateKey, content } })
  }

  /** Membership through the state endpoint acts like the endpoints made for it. Undefined: send it as it is. */
  async #member(sender: UserId, roomId: RoomId, target: string, content: JsonObject): Promise<string | undefined> {
    const { memberships } = this.#deps
    if (!isUserId(target)) throw badJson('The state key of a member event is a user id')
    const { membership, ...extra } = content
    if (membership === 'join' && sender === target && !(await memberships.isJoined(sender, roomId))) {
      await memberships.join(sender, roomId, extra)
    } else if (membership === 'invite') {
      await memberships.invite({ sender, roomId, target, extra })
    } else {
      return undefined
    }
    return memberships.memberEventId(roomId, target)
  }
}
