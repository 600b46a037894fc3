import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { badJson, forbidden, MatrixError } from '../../../matrix/errors.ts'
import { isRoomId, isUserId, type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import { thirdPartyInvite } from '../membership/third-party-invite.ts'
import { isAdmitted } from './peer-rooms.ts'

interface Deps {
  readonly append: Append
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly client: FederationClient
  mayFederate(serverName: string): boolean
  inviteRemote(room: LiveRoom, sender: UserId, target: UserId, content: JsonObject): Promise<void>
}

/** Invites that one notice of an identity server may bring. */
const MAX_INVITES = 50

/** Invites to an e-mail address or a telephone number, once it belongs to a user (spec: Third-party invites). */
export class ThirdPartyInvites {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `exchange_third_party_invite`: another server's user turned out to be whom one of ours invited. */
  async exchange(origin: string, roomId: string, event: JsonObject): Promise<void> {
    const { content, sender, state_key: target } = event
    const { third_party_invite: invite } = isObject(content) ? content : {}
    const { signed } = isObject(invite) ? invite : {}
    if (!isObject(signed) || typeof target !== 'string' || typeof sender !== 'string')
      throw badJson('Not such an invite')
    if (serverOf(target) !== origin) throw forbidden('The user is not of your server')
    const room = await this.#deps.rooms.find(roomId)
    if (!room || !(await isAdmitted(room, origin))) throw forbidden('No such invite')
    await this.#invite(room, target, { ...signed, sender })
  }

  /** `onbind`: an identity server says that an address now belongs to one of ours. What is of no use is passed over. */
  async bound(userId: string, invites: readonly unknown[]): Promise<void> {
    for (const invite of invites.slice(0, MAX_INVITES)) {
      if (!isObject(invite) || !isObject(invite.signed)) continue
      const { room_id: roomId, sender, signed } = invite
      if (typeof roomId !== 'string' || typeof sender !== 'string' || !isRoomId(roomId) || !isUserId(sender)) continue
      try {
        await this.#take(roomId, sender, userId, signed)
      } catch (error) {
        if (!(error instanceof MatrixError) && !(error instanceof RemoteFailure)) throw error
      }
    }
  }

  async #take(roomId: RoomId, sender: UserId, target: string, signed: JsonObject): Promise<void> {
    const { rooms, client, serverName, mayFederate } = this.#deps
    if (!isUserId(target) || serverOf(target) !== serverName) throw forbidden('No user of this server')
    if (serverOf(sender) === serverName) {
      const room = await rooms.find(roomId)
      if (room) await this.#invite(room, target, { ...signed, sender })
    } else if (mayFederate(serverOf(sender))) {
      await client.memberships.exchangeThirdPartyInvite(serverOf(sender), roomId, {
        type: 'm.room.member',
        room_id: roomId,
        sender,
        state_key: target,
        content: { membership: 'invite', third_party_invite: { display_name: '', signed } },
      })
    }
  }

  async #invite(room: LiveRoom, target: string, signed: JsonObject): Promise<void> {
    const { append, serverName, inviteRemote } = this.#deps
    if (!isUserId(target)) throw badJson('Not a user id')
    const draft = await thirdPartyInvite(room, target, signed, serverName)
    if (serverOf(target) === serverName) await append.send(room.roomId, { draft })
    else await inviteRemote(room, draft.sender, target, draft.content)
  }
}
