import type { Config } from '../config/schema.ts'
import type { RoomAlias, RoomId, UserId } from '../matrix/ids.ts'
import type { JsonObject } from '../matrix/json.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { Audience } from '../services/appservices/audience.ts'
import { publishInNetwork } from '../services/appservices/networks.ts'
import { Append } from '../services/rooms/append.ts'
import { type CreateRoomInput, type Creator, createRoom } from '../services/rooms/create/create.ts'
import { RoomUpgrades } from '../services/rooms/create/upgrade.ts'
import { Directory } from '../services/rooms/directory/directory.ts'
import { PublicRooms } from '../services/rooms/directory/public-rooms.ts'
import type { SendRequest } from '../services/rooms/draft.ts'
import { LiveRooms } from '../services/rooms/live-rooms.ts'
import { GuestAccess } from '../services/rooms/membership/guest-access.ts'
import { Joins } from '../services/rooms/membership/joins.ts'
import type { MemberProfile } from '../services/rooms/membership/member-profile.ts'
import { Memberships } from '../services/rooms/membership/membership.ts'
import { FrozenRooms } from '../services/rooms/membership/unlisted-members.ts'
import { PolicyServers } from '../services/rooms/policy/policy-server.ts'
import { RecommendedSends } from '../services/rooms/policy/recommended-sends.ts'
import { queueRelated, type RelatedWish, redactRelated } from '../services/rooms/send/related-redactions.ts'
import { Sending } from '../services/rooms/send/sending.ts'
import { PolicyRequests } from '../services/rooms/serve/policy-requests.ts'
import { afterCommit, type Tx } from '../storage/db.ts'
import { updatePublished } from '../storage/rooms/directory.ts'
import { deleteTransactionsBefore } from '../storage/rooms/transactions.ts'
import { DAY_MS } from '../util/clock.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'
import { composeRemoteRooms } from './remote-rooms.ts'
import { noticesUserOf, ownPolicyOf } from './settings.ts'

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

/** Rooms: the one door for events, memberships, the directory. */
export function composeRooms(
  config: Config,
  ground: Ground,
  people: People,
  federation: ReturnType<typeof composeFederation>,
  appServices: AppServices,
) {
  const { remoteDirectory } = federation.services
  const { db, clock, random, log, stream, hub, serverName, signingKey, metrics, lifetime, backlog, forget } = ground
  const liveRooms = new LiveRooms(db)
  metrics.gauge('live_rooms', 'Rooms held in memory', () => liveRooms.size)
  const rooms = liveRooms
  const frozenRooms = new FrozenRooms(federation.policy)
  const isFrozen = (roomId: RoomId) => frozenRooms.has(roomId)
  const askFirst = (roomId: RoomId, request: SendRequest) => recommendedSends.send(roomId, request)
  const audience = new Audience({ db, appServices })
  const append = new Append({
    db,
    clock,
    stream,
    hub,
    rooms,
    serverName,
    signingKey,
    random,
    log,
    isFrozen,
    askFirst,
    // Where nobody listens, a message pays nothing for it.
    ...(!audience.isEmpty && { alongside: (room, batch) => audience.alongside(room, batch) }),
  })
  const ownPolicy = ownPolicyOf(config, signingKey)
  const policyServers = new PolicyServers({ serverName, client: federation.client, ownPolicy })
  const recommendedSends = new RecommendedSends({
    db,
    clock,
    append,
    rooms,
    policyServers,
    serverName,
    signingKey,
    random,
  })
  const {
    remote,
    past,
    partialRooms,
    services: remoteRooms,
  } = composeRemoteRooms(config, ground, federation, { append, liveRooms, frozenRooms, policyServers }, people)
  const memberships = new Memberships({
    db,
    clock,
    rooms,
    append,
    serverName,
    remote,
    untilWhole: (roomId) => partialRooms.untilWhole(roomId),
    noticesUser: noticesUserOf(config),
    ...people,
  })
  const joins = new Joins({ db, clock, rooms, append, serverName, remote, profileOf: people.profileOf })
  const canPublish = () => config.rooms.publish === 'everybody'
  const publicRooms = new PublicRooms(db, (id) => appServices.all.some((service) => service.id === id))
  const onPublished = (roomNid: number) => publicRooms.onPublished(roomNid)
  const remoteAlias = (alias: RoomAlias) => remoteDirectory.lookUp(alias)
  const directory = new Directory({
    db,
    rooms,
    append,
    serverName,
    remoteAlias,
    canPublish,
    onPublished,
    checkClaim: (claimant, alias) => appServices.checkAlias(claimant, alias),
    onAliased: (roomId) => audience.onAliased(roomId),
    ensureAlias: people.ensureAlias,
  })
  const { encryption } = config.rooms
  const sending = new Sending({
    append,
    memberships,
    encryption,
    joins,
    checkCanonicalAlias: (roomId, content) => directory.checkCanonicalAlias(roomId, content),
  })
  const relatedRedactions = backlog('redacting what relates to redacted events', (signal) =>
    redactRelated({ db, append }, signal),
  )
  const onPublishedIn = (tx: Tx, roomNid: number) => afterCommit(tx, () => publicRooms.onPublished(roomNid))
  const createDeps = {
    ...people,
    mayFederate: (name: string) => federation.policy.mayFederate(name),
    inviteRemote: (roomId: RoomId, sender: UserId, target: UserId, extra: JsonObject) =>
      memberships.invite({ sender, roomId, target, extra }),
    append,
    serverName,
    defaultVersion: config.rooms.default_version,
    encryption,
    random,
    canPublish,
    insertAlias: directory.insertAlias.bind(directory),
    publish: async (tx: Tx, roomNid: number) => {
      await updatePublished(tx, roomNid, true)
      onPublishedIn(tx, roomNid)
    },
  }
  const roomUpgrades = new RoomUpgrades({
    ...people,
    db,
    log,
    rooms,
    append,
    serverName,
    random,
    onPublished: onPublishedIn,
  })
  roomUpgrades.onReplaced((old, replacement) => {
    for (const room of [old, replacement]) audience.onAliased(room.roomId)
  })
  const guestAccess = new GuestAccess({ db, append, log })
  lifetime.add(guestAccess)
  forget(TRANSACTION_IDS_MS, 'transaction ids', deleteTransactionsBefore)
  for (const listener of [publicRooms, roomUpgrades, guestAccess, audience]) {
    append.onAppended((appended) => listener.onAppended(appended))
  }
  return {
    ...remoteRooms,
    past,
    liveRooms,
    append,
    isFrozen,
    audience,
    joins,
    memberships,
    partialRooms,
    directory,
    publicRooms,
    publishInNetwork: publishInNetwork.bind(undefined, { db, rooms, onPublished }),
    sending,
    policyRequests: new PolicyRequests({ rooms, policyServers, ownPolicy }),
    relatedRedactions,
    redactRelated: async (wish: RelatedWish) => {
      await queueRelated(db, wish)
      relatedRedactions.wake()
    },
    roomUpgrades,
    createRoom: (creator: Creator, input: CreateRoomInput) => createRoom(createDeps, creator, input),
    /** Makes a room that is not encrypted, whatever the policy. */
    createPlainRoom: (creator: Creator, input: CreateRoomInput) =>
      createRoom({ ...createDeps, encryption: 'off' }, creator, input),
  }
}
