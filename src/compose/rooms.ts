import type { Config } from '../config/schema.ts'
import type { RoomAlias, RoomId, UserId } from '../matrix/ids.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { publishInNetwork } from '../services/appservices/networks.ts'
import { Directory } from '../services/rooms/directory/directory.ts'
import { PublicRooms } from '../services/rooms/directory/public-rooms.ts'
import { GuestAccess } from '../services/rooms/membership/guest-access.ts'
import { Joins } from '../services/rooms/membership/joins.ts'
import type { MemberProfile } from '../services/rooms/membership/member-profile.ts'
import { Memberships } from '../services/rooms/membership/membership.ts'
import { queueRelated, type RelatedWish, redactRelated } from '../services/rooms/send/related-redactions.ts'
import { Sending } from '../services/rooms/send/sending.ts'
import { deleteTransactionsBefore } from '../storage/rooms/transactions.ts'
import { DAY_MS } from '../util/clock.ts'
import { composeDoor } from './door.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'
import { composeRemoteRooms } from './remote-rooms.ts'
import { composeRoomCreation } from './room-creation.ts'
import { noticesUserOf } from './settings.ts'

/** How long a client may repeat a request under its transaction id: for a day. */
const TRANSACTION_IDS_MS = DAY_MS

/** What rooms ask about people. */
interface People {
  profileOf(userId: UserId): Promise<MemberProfile>
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Has a user made that an application service knows of. */
  ensureUser(userId: UserId): Promise<void>
  /** Has a room made for an alias that an application service knows of; whether there is one. */
  ensureAlias(alias: RoomAlias): Promise<boolean>
  onForgotten(userId: UserId, roomId: RoomId): void
}

/** Rooms: what users do with them, and what follows from it. */
export function composeRooms(
  config: Config,
  ground: Ground,
  people: People,
  federation: ReturnType<typeof composeFederation>,
  appServices: AppServices,
) {
  const { remoteDirectory } = federation.services
  const { db, clock, log, serverName, lifetime, backlog, forget } = ground
  const door = composeDoor(config, ground, federation, appServices)
  const { liveRooms, append, audience } = door
  const rooms = liveRooms
  const {
    remote,
    past,
    partialRooms,
    services: remoteRooms,
  } = composeRemoteRooms(config, ground, federation, door, people)
  const noticesUser = noticesUserOf(config)
  const memberships = new Memberships({
    db,
    clock,
    rooms,
    append,
    serverName,
    remote,
    untilWhole: (roomId) => partialRooms.untilWhole(roomId),
    noticesUser,
    ...people,
  })
  const joins = new Joins({ db, clock, rooms, append, serverName, remote, noticesUser, profileOf: people.profileOf })
  const canPublish = () => config.rooms.publish === 'everybody'
  const publicRooms = new PublicRooms(db, (id) => appServices.all.some((service) => service.id === id))
  const onPublished = (roomNid: number) => publicRooms.onPublished(roomNid)
  const directory = new Directory({
    db,
    rooms,
    append,
    serverName,
    remoteAlias: (alias) => remoteDirectory.lookUp(alias),
    canPublish,
    onPublished,
    checkClaim: (claimant, alias) => appServices.checkAlias(claimant, alias),
    onAliased: (roomId) => audience.onAliased(roomId),
    ensureAlias: people.ensureAlias,
  })
  const creation = composeRoomCreation(config, ground, people, federation, {
    liveRooms,
    append,
    memberships,
    directory,
    publicRooms,
    canPublish,
  })
  creation.roomUpgrades.onReplaced((old, replacement) => {
    for (const room of [old, replacement]) audience.onAliased(room.roomId)
  })
  const relatedRedactions = backlog('redacting what relates to redacted events', (signal) =>
    redactRelated({ db, append }, signal),
  )
  const guestAccess = new GuestAccess({ db, append, log })
  lifetime.add(guestAccess)
  forget(TRANSACTION_IDS_MS, 'transaction ids', deleteTransactionsBefore)
  for (const listener of [publicRooms, creation.roomUpgrades, guestAccess, audience]) {
    append.onAppended((appended) => listener.onAppended(appended))
  }
  return {
    ...remoteRooms,
    ...creation,
    past,
    liveRooms,
    append,
    isFrozen: door.isFrozen,
    audience,
    joins,
    memberships,
    partialRooms,
    directory,
    publicRooms,
    publishInNetwork: publishInNetwork.bind(undefined, { db, rooms, onPublished }),
    sending: new Sending({
      db,
      append,
      memberships,
      encryption: config.rooms.encryption,
      joins,
      checkCanonicalAlias: (roomId, content) => directory.checkCanonicalAlias(roomId, content),
    }),
    policyRequests: door.policyRequests,
    relatedRedactions,
    redactRelated: async (wish: RelatedWish) => {
      await queueRelated(db, wish)
      relatedRedactions.wake()
    },
  }
}
