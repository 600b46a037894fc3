import { badJson, forbidden, MatrixError } from '../../../matrix/errors.ts'
import { isUserId, type RoomAlias, type RoomId, serverOf, type UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { roomVersion } from '../../../room/versions.ts'
import type { Tx } from '../../../storage/db.ts'
import type { Claimant } from '../../appservices/app-services.ts'
import type { Append } from '../append.ts'
import type { Draft } from '../draft.ts'
import type { MemberProfile } from '../membership/member-profile.ts'
import type { EncryptionPolicy } from './encryption.ts'
import { type CreateRoomInput, firstState } from './first-state.ts'

interface Deps {
  readonly append: Append
  readonly serverName: string
  readonly defaultVersion: string
  readonly encryption: EncryptionPolicy
  random(bytes: number): Uint8Array
  profileOf(userId: UserId): Promise<MemberProfile>
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Whether users of that server can be invited. */
  mayFederate(serverName: string): boolean
  /** Invites a user of another server into the room, which is there by then. */
  inviteRemote(roomId: RoomId, sender: UserId, target: UserId, content: JsonObject): Promise<void>
  /** Whether the user may list rooms in the directory. */
  canPublish(userId: UserId): boolean
  /** Takes the alias in the transaction of the room; throws `M_ROOM_IN_USE`. */
  insertAlias(tx: Tx, alias: RoomAlias, roomId: RoomId, creator: Creator): Promise<void>
  /** Lists the room in the directory. */
  publish(tx: Tx, roomNid: number): Promise<void>
}

/** Who makes a room; a route's `Requester` is one. */
export type Creator = Claimant

/** Makes a room: all its first events in one transaction, in the order that the specification gives them. */
export async function createRoom(deps: Deps, claimant: Creator, input: CreateRoomInput): Promise<RoomId> {
  const { userId: creator } = claimant
  const version = roomVersion(input.room_version ?? deps.defaultVersion)
  if (!version) throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', 'This room version is not supported')
  const isPublic = input.visibility === 'public'
  if (isPublic && !deps.canPublish(creator)) throw forbidden('You may not publish rooms')
  const invitees = await checkedInvitees(deps, creator, input.invite ?? [])
  const isDirect = input.is_direct ?? false
  const isLocal = (id: UserId) => serverOf(id) === deps.serverName
  const drafts = [
    ...(await firstState(deps, version, creator, invitees, input)),
    ...(await invites(deps, creator, invitees.filter(isLocal), isDirect)),
  ]
  const roomId = await deps.append
    .createRoom(version, newRoomId(deps), drafts, async (tx, room) => {
      if (input.alias) await deps.insertAlias(tx, input.alias, room.roomId, claimant)
      if (isPublic) await deps.publish(tx, room.nid)
    })
    .catch((error: unknown) => {
      // What the creator asked for leaves the creator without the power to do the rest of it.
      if (!(error instanceof MatrixError) || error.errcode !== 'M_FORBIDDEN') throw error
      throw new MatrixError('M_INVALID_ROOM_STATE', error.message, { cause: error })
    })
  await inviteOthers(
    deps,
    roomId,
    creator,
    invitees.filter((id) => !isLocal(id)),
    isDirect,
  )
  return roomId
}

/** Their servers sign the invites, so that the room has to be there. It stays, whoever of them cannot be invited. */
async function inviteOthers(
  { inviteRemote }: Deps,
  roomId: RoomId,
  creator: UserId,
  invitees: readonly UserId[],
  isDirect: boolean,
): Promise<void> {
  for (const invitee of invitees) {
    await inviteRemote(roomId, creator, invitee, isDirect ? { is_direct: true } : {}).catch((error: unknown) => {
      if (!(error instanceof MatrixError)) throw error
    })
  }
}

/** An id for a room whose version does not name it by its create event. */
export const newRoomId = ({ random, serverName }: Pick<Deps, 'random' | 'serverName'>): RoomId =>
  `!${Buffer.from(random(18)).toString('base64url')}:${serverName}`

async function invites(deps: Deps, creator: UserId, invitees: readonly UserId[], isDirect: boolean): Promise<Draft[]> {
  const drafts: Draft[] = []
  for (const invitee of invitees) {
    const content: JsonObject = { ...(await deps.profileOf(invitee)), membership: 'invite' }
    if (isDirect) content.is_direct = true
    drafts.push({ type: 'm.room.member', sender: creator, stateKey: invitee, content })
  }
  return drafts
}

async function checkedInvitees(deps: Deps, creator: UserId, invite: readonly string[]): Promise<UserId[]> {
  const invitees = new Set<UserId>()
  for (const id of invite) {
    if (!isUserId(id)) throw badJson('An invited user id is malformed')
    if (!deps.mayFederate(serverOf(id))) throw forbidden('This server does not federate with that of an invited user')
    if (await deps.refusesInvite(id, creator)) {
      throw new MatrixError('M_INVITE_BLOCKED', 'An invited user does not accept your invites')
    }
    invitees.add(id)
  }
  return [...invitees]
}
