import { existsSync, readFileSync } from 'node:fs'
import type { Config } from '../config/schema.ts'
import { forbidden } from '../matrix/errors.ts'
import type { RoomId, UserId } from '../matrix/ids.ts'
import { parseOldKeys } from '../matrix/old-key.ts'
import { VerifyKey } from '../matrix/verify-key.ts'
import { Edus } from '../services/edus.ts'
import type { Past } from '../services/reading/reading.ts'
import type { Append } from '../services/rooms/append.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import { type FrozenRooms, UnlistedMembers } from '../services/rooms/membership/unlisted-members.ts'
import type { PolicyServers } from '../services/rooms/policy/policy-server.ts'
import { EventSignatures } from '../services/rooms/receive/event-signatures.ts'
import { GapFiller } from '../services/rooms/receive/gap-filler.ts'
import { HeldEvents } from '../services/rooms/receive/held-events.ts'
import { InboundTransactions } from '../services/rooms/receive/inbound-transactions.ts'
import { Inbox } from '../services/rooms/receive/inbox.ts'
import { mergeForks } from '../services/rooms/receive/merge-forks.ts'
import { History } from '../services/rooms/remote/history.ts'
import { RemoteJoins } from '../services/rooms/remote/join-room.ts'
import { RemoteLeaves } from '../services/rooms/remote/leave-room.ts'
import { PartialRooms } from '../services/rooms/remote/partial/partial-rooms.ts'
import { nearestElsewhere } from '../services/rooms/remote/past.ts'
import { receiveOutside } from '../services/rooms/remote/receive-outside.ts'
import type { RemoteMemberships } from '../services/rooms/remote/remote-memberships.ts'
import { sendInvite } from '../services/rooms/remote/send-invite.ts'
import { Admissions } from '../services/rooms/serve/admissions.ts'
import { ReceivedInvites } from '../services/rooms/serve/invites.ts'
import { PeerRooms } from '../services/rooms/serve/peer-rooms.ts'
import { RoomAnswers } from '../services/rooms/serve/room-answers.ts'
import { Templates } from '../services/rooms/serve/templates.ts'
import { ThirdPartyInvites } from '../services/rooms/serve/third-party-invites.ts'
import { findAccount } from '../storage/accounts/accounts.ts'
import { deleteHeldBefore } from '../storage/federation/held-events.ts'
import { deleteInboundTransactionsBefore } from '../storage/federation/inbound-transactions.ts'
import { DAY_MS, HOUR_MS } from '../util/clock.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'

/** How long a server may repeat a transaction. */
const TRANSACTIONS_MS = DAY_MS
/** How long an event waits for what it refers to. */
const HELD_MS = 7 * DAY_MS

interface Rooms {
  append: Append
  liveRooms: LiveRooms
  frozenRooms: FrozenRooms
  isFrozen(roomId: RoomId): boolean
  policyServers: PolicyServers
}

interface People {
  refusesInvite(invitee: UserId, sender: UserId): Promise<boolean>
  /** Has a user made that an application service knows of. */
  ensureUser(userId: UserId): Promise<void>
}

/** Rooms that other servers are in too: what they send and ask, and what we need them for. */
export function composeRemoteRooms(
  config: Config,
  ground: Ground,
  { client, keyRing, policy }: ReturnType<typeof composeFederation>,
  { append, liveRooms: rooms, frozenRooms, isFrozen, policyServers }: Rooms,
  { refusesInvite, ensureUser }: People,
) {
  const { db, clock, log, random, serverName, signingKey, lifetime, every, forget } = ground
  const mayFederate = (name: string) => policy.mayFederate(name)
  const mayBelieve = (name: string) => policy.mayBelieve(name)
  const signatures = new EventSignatures({ serverName, keyRing, ownKeys: ownKeysOf(config, ground) })
  const base = {
    db,
    clock,
    log,
    random,
    serverName,
    signingKey,
    append,
    rooms,
    client,
    signatures,
    mayFederate,
    isFrozen,
    policyServers,
  }
  const onArrival = config.federation.unlisted_arrivals
  const unlistedMembers = new UnlistedMembers({ ...base, onArrival, policy }, frozenRooms)
  lifetime.add(unlistedMembers)
  append.onAppended((appended) => unlistedMembers.onAppended(appended))
  every(HOUR_MS, 'looking for members of servers that are not listed', () => unlistedMembers.review())

  const onUnlisted: UnlistedMembers['onEvents'] = (server, room, events) =>
    unlistedMembers.onEvents(server, room, events)
  const gapFiller = new GapFiller({ ...base, onGiven: onUnlisted, onUnproven: onUnlisted })
  const heldEvents = new HeldEvents({ ...base, fill: (roomId, signal) => gapFiller.fill(roomId, signal) })
  lifetime.add(heldEvents)
  const inbox = new Inbox({
    ...base,
    mayBelieve,
    onStrangers: onUnlisted,
    hold: (origin, room, events) => heldEvents.hold(origin, room, events),
    joined: (roomId) => joins.settled(roomId),
    receiveOutside: (_origin, roomId, pdus) => receiveOutside(base, roomId, pdus),
    onReceived: async (room) => {
      await heldEvents.onReceived(room)
      await mergeForks(append, room)
    },
  })
  const edus = new Edus({ log })
  const peerRooms = new PeerRooms({ db, rooms, isFrozen })
  const isActive = async (userId: UserId) => {
    await ensureUser(userId)
    return (await findAccount(db, userId))?.isDeactivated === false
  }

  const partialRooms = new PartialRooms({ ...base, onUnproven: onUnlisted })
  lifetime.add(partialRooms)
  const whole = (roomId: RoomId, timeoutMs: number) => partialRooms.whole(roomId, timeoutMs)
  append.onAppended((appended) => partialRooms.onAppended(appended))
  const joins = new RemoteJoins({
    ...base,
    refuseRoomOf: (servers) => unlistedMembers.refuseRoomOf(servers),
    onPartialJoin: (roomId) => partialRooms.onJoined(roomId),
    whole,
    complete: async (origin, roomId, event) => {
      const room = await rooms.get(roomId)
      await heldEvents.hold(origin, room, [event])
      await gapFiller.fill(roomId, NEVER)
    },
  })
  const leaves = new RemoteLeaves(base)
  const remote: RemoteMemberships = {
    join: (wish) => joins.join(wish),
    leave: (room, userId, content) => leaves.leave(room, userId, content),
    knock: (roomId, userId, content, via) => leaves.knock(roomId, userId, content, via),
    invite: async (room, sender, target, content) => {
      if (isFrozen(room.roomId)) throw forbidden('This room is frozen')
      return sendInvite(base, room, sender, target, content)
    },
  }
  forget(TRANSACTIONS_MS, 'transactions of other servers', deleteInboundTransactionsBefore)
  forget(HELD_MS, 'events that nobody could complete', deleteHeldBefore)
  const history = new History({ ...base, whole })
  const past: Past = {
    reach: (room, place, limit) => history.reach(room, place, limit),
    fetch: (room, eventId) => history.seek(room, eventId),
    nearest: (room, ts, dir) => nearestElsewhere(base, history, room, ts, dir),
  }
  return {
    remote,
    past,
    partialRooms,
    /** What routes may use. */
    services: {
      edus,
      inboundTransactions: new InboundTransactions({ db, clock, inbox, edus }),
      roomAnswers: new RoomAnswers({ ...base, peerRooms, whole }),
      templates: new Templates({ ...base, peerRooms }),
      admissions: new Admissions({ ...base, peerRooms }),
      thirdPartyInvites: new ThirdPartyInvites({ ...base, inviteRemote: remote.invite }),
      receivedInvites: new ReceivedInvites({ ...base, isActive, refusesInvite }),
    },
  }
}

const NEVER = new AbortController().signal

/** Our keys, those in use and those before, by which our own events are recognised when others send them. */
function ownKeysOf({ paths }: Config, { signingKey }: Ground): ReadonlyMap<string, VerifyKey> {
  const old = existsSync(paths.old_keys_file) ? parseOldKeys(readFileSync(paths.old_keys_file, 'utf8')) : []
  const keys = [...old, { keyId: signingKey.keyId, publicKey: signingKey.publicKey }]
  return new Map(
    keys.flatMap(({ keyId, publicKey }) => {
      const key = VerifyKey.from(publicKey)
      return key ? [[keyId, key] as const] : []
    }),
  )
}
