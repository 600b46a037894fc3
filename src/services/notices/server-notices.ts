import { invalidParam, notFound } from '../../matrix/errors.ts'
import { type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { type Account, findAccount } from '../../storage/accounts/accounts.ts'
import { type Db, transact } from '../../storage/db.ts'
import { findNoticeRoom, upsertNoticeRoom } from '../../storage/notice-rooms.ts'
import { InTurn } from '../../util/in-turn.ts'
import type { Tags } from '../account-data/tags.ts'
import type { Accounts } from '../accounts/accounts.ts'
import type { CreateRoomInput } from '../rooms/create/first-state.ts'
import type { Txn } from '../rooms/entry.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { Memberships } from '../rooms/membership/membership.ts'
import type { Sending } from '../rooms/send/sending.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly accounts: Accounts
  readonly rooms: LiveRooms
  readonly memberships: Memberships
  readonly sending: Sending
  readonly tags: Tags
  /** Who sends them; and the name of the account, when it is made. */
  readonly sender: UserId
  readonly senderName: string
  readonly roomName: string
  readonly roomAvatar: string | undefined
  /** Makes a room that is not encrypted, whatever the policy: the server has no device. */
  createRoom(creator: { userId: UserId }, input: CreateRoomInput): Promise<RoomId>
}

/** What to send, and by which request: repeating it sends nothing again. */
export interface Notice {
  readonly type: string
  readonly stateKey?: string | undefined
  readonly content: JsonObject
  readonly txn: Txn
}

const TAG = 'm.server_notice'

/**
 * What administrators tell single users, in one room for each of them that clients know by its tag (spec: client-server
 * API, Server Notices). The user is invited anew after leaving it.
 */
export class ServerNotices {
  readonly #deps: Deps
  /** One notice to a user at a time, so that there is one room. */
  readonly #turns = new InTurn<UserId>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Returns the id of the event. Throws `M_INVALID_PARAM` or `M_NOT_FOUND` for whom it cannot be sent to. */
  async send(target: UserId, { type, stateKey, content, txn }: Notice): Promise<string> {
    const { db, serverName, sending, sender } = this.#deps
    if (serverOf(target) !== serverName) throw invalidParam('Notices can be sent to users of this server only')
    const account = await findAccount(db, target)
    if (!account || account.isDeactivated) throw notFound('There is no such user')
    return this.#turns.run(target, async () => {
      const roomId = await this.#openRoom(account)
      const from = { userId: sender, isGuest: false, txn }
      const { eventId } =
        stateKey === undefined
          ? await sending.message(from, roomId, type, content)
          : await sending.state(from, roomId, type, stateKey, content)
      return eventId
    })
  }

  /** The user's room, made where there is none, with the user in it or invited. */
  async #openRoom(account: Account): Promise<RoomId> {
    const { db, rooms, memberships, sender } = this.#deps
    const known = await findNoticeRoom(db, account.userNid)
    const room = known === undefined ? undefined : await rooms.find(known)
    const isUsable = room !== undefined && (await room.membershipOf(sender)) === 'join'
    const roomId = isUsable ? room.roomId : await this.#makeRoom(account)
    const membership = isUsable ? await room.membershipOf(account.userId) : undefined
    if (membership !== 'join' && membership !== 'invite') {
      await memberships.invite({ sender, roomId, target: account.userId })
    }
    return roomId
  }

  async #makeRoom(account: Account): Promise<RoomId> {
    const { db, accounts, rooms, tags, sender, senderName, roomName, roomAvatar, createRoom } = this.#deps
    if (!(await accounts.find(sender))) {
      await accounts.create({ userId: sender, passwordHash: undefined, userType: 'bot', displayName: senderName })
    }
    const roomId = await createRoom(
      { userId: sender },
      {
        preset: 'private_chat',
        name: roomName,
        creation_content: { 'm.federate': false },
        power_level_content_override: { users_default: -10 },
        ...(roomAvatar !== undefined && {
          initial_state: [{ type: 'm.room.avatar', content: { url: roomAvatar } }],
        }),
      },
    )
    const { nid } = await rooms.get(roomId)
    await transact(db, (tx) => upsertNoticeRoom(tx, account.userNid, nid))
    await tags.set(account, nid, TAG, {})
    return roomId
  }
}
