import type { Config } from '../config/schema.ts'
import type { RoomId, UserId } from '../matrix/ids.ts'
import type { JsonObject } from '../matrix/json.ts'
import type { Append } from '../services/rooms/append.ts'
import { type Creator, createRoom } from '../services/rooms/create/create.ts'
import type { CreateRoomInput } from '../services/rooms/create/first-state.ts'
import { RoomUpgrades } from '../services/rooms/create/upgrade.ts'
import type { Directory } from '../services/rooms/directory/directory.ts'
import type { PublicRooms } from '../services/rooms/directory/public-rooms.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { MemberProfile } from '../services/rooms/membership/member-profile.ts'
import type { Memberships } from '../services/rooms/membership/membership.ts'
import { afterCommit, type Tx } from '../storage/db.ts'
import { updatePublished } from '../storage/rooms/directory.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'

interface People {
  profileOf(userId: UserId): Promise<MemberProfile>
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Has a user made that an application service knows of. */
  ensureUser(userId: UserId): Promise<void>
}

interface Rooms {
  liveRooms: LiveRooms
  append: Append
  memberships: Memberships
  directory: Directory
  publicRooms: PublicRooms
  canPublish(): boolean
}

/** How rooms come to be: made anew, or as the successor of another. */
export function composeRoomCreation(
  config: Config,
  { db, log, random, serverName }: Ground,
  people: People,
  { policy }: ReturnType<typeof composeFederation>,
  { liveRooms: rooms, append, memberships, directory, publicRooms, canPublish }: Rooms,
) {
  const onPublished = (tx: Tx, roomNid: number) => afterCommit(tx, () => publicRooms.onPublished(roomNid))
  const deps = {
    ...people,
    mayFederate: (name: string) => policy.mayFederate(name),
    inviteRemote: (roomId: RoomId, sender: UserId, target: UserId, extra: JsonObject) =>
      memberships.invite({ sender, roomId, target, extra }),
    append,
    serverName,
    defaultVersion: config.rooms.default_version,
    encryption: config.rooms.encryption,
    random,
    canPublish,
    insertAlias: directory.insertAlias.bind(directory),
    publish: async (tx: Tx, roomNid: number) => {
      await updatePublished(tx, roomNid, true)
      onPublished(tx, roomNid)
    },
  }
  return {
    createRoom: (creator: Creator, input: CreateRoomInput) => createRoom(deps, creator, input),
    /** Makes a room that is not encrypted, whatever the policy. */
    createPlainRoom: (creator: Creator, input: CreateRoomInput) =>
      createRoom({ ...deps, encryption: 'off' }, creator, input),
    roomUpgrades: new RoomUpgrades({ ...people, db, log, rooms, append, serverName, random, onPublished }),
  }
}
