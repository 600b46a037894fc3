import type { Config } from '../config/schema.ts'
import type { RoomId, UserId } from '../matrix/ids.ts'
import { Append } from '../services/rooms/append.ts'
import { type CreateRoomInput, createRoom } from '../services/rooms/create.ts'
import { Directory } from '../services/rooms/directory.ts'
import { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { MemberProfile } from '../services/rooms/member-profile.ts'
import { Memberships } from '../services/rooms/membership.ts'
import { listPublicRooms, type PublicRoomsQuery } from '../services/rooms/public-rooms.ts'
import { Sending } from '../services/rooms/sending.ts'
import { updatePublished } from '../storage/directory.ts'
import type { Ground } from './ground.ts'

/** What rooms ask about people. */
interface People {
  profileOf(userId: UserId): Promise<MemberProfile>
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
}

/** Rooms: the one door for events, memberships, the directory. */
export function composeRooms(config: Config, ground: Ground, { profileOf, refusesInvite }: People) {
  const { db, clock, random, log, stream, hub, serverName, signingKey, metrics } = ground
  const liveRooms = new LiveRooms(db)
  metrics.gauge('live_rooms', 'Rooms held in memory', () => liveRooms.size)
  const append = new Append({ db, clock, stream, hub, rooms: liveRooms, serverName, signingKey, random, log })
  const onForgotten = (_userId: UserId, _roomId: RoomId) => {}
  const memberships = new Memberships({
    db,
    rooms: liveRooms,
    append,
    serverName,
    profileOf,
    refusesInvite,
    onForgotten,
  })
  const canPublish = () => config.rooms.publish === 'everybody'
  const directory = new Directory({ db, rooms: liveRooms, serverName, canPublish })
  const sending = new Sending({
    append,
    memberships,
    checkCanonicalAlias: (roomId, content) => directory.checkCanonicalAlias(roomId, content),
  })
  const createDeps = {
    append,
    serverName,
    defaultVersion: config.rooms.default_version,
    random,
    profileOf,
    refusesInvite,
    insertAlias: directory.insertAlias.bind(directory),
    publish: (tx: Parameters<typeof updatePublished>[0], roomNid: number) => updatePublished(tx, roomNid, true),
  }
  return {
    liveRooms,
    memberships,
    directory,
    sending,
    createRoom: (creator: UserId, input: CreateRoomInput) => createRoom(createDeps, creator, input),
    publicRooms: (query: PublicRoomsQuery) => listPublicRooms({ db, rooms: liveRooms }, query),
  }
}
