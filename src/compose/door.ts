import type { Config } from '../config/schema.ts'
import type { RoomId } from '../matrix/ids.ts'
import type { AppServices } from '../services/appservices/app-services.ts'
import { Audience } from '../services/appservices/audience.ts'
import { Append } from '../services/rooms/append.ts'
import type { SendRequest } from '../services/rooms/draft.ts'
import { LiveRooms } from '../services/rooms/live-rooms.ts'
import { FrozenRooms } from '../services/rooms/membership/unlisted-members.ts'
import { PolicyServers } from '../services/rooms/policy/policy-server.ts'
import { RecommendedSends } from '../services/rooms/policy/recommended-sends.ts'
import { PolicyRequests } from '../services/rooms/serve/policy-requests.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'
import { ownPolicyOf } from './settings.ts'

/** The one door for events: the rooms in memory, who is told in the same transaction, who has a say in what gets in. */
export function composeDoor(
  config: Config,
  ground: Ground,
  federation: ReturnType<typeof composeFederation>,
  appServices: AppServices,
) {
  const { db, clock, random, log, stream, hub, serverName, signingKey, metrics } = ground
  const liveRooms = new LiveRooms(db)
  metrics.gauge('live_rooms', 'Rooms held in memory', () => liveRooms.size)
  const frozenRooms = new FrozenRooms(federation.policy)
  const isFrozen = (roomId: RoomId) => frozenRooms.has(roomId)
  const askFirst = (roomId: RoomId, request: SendRequest) => recommendedSends.send(roomId, request)
  const audience = new Audience({ db, appServices })
  const append = new Append({
    db,
    clock,
    stream,
    hub,
    rooms: liveRooms,
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
  const policyServers = new PolicyServers({ clock, serverName, client: federation.client, ownPolicy })
  const recommendedSends = new RecommendedSends({
    db,
    clock,
    append,
    rooms: liveRooms,
    policyServers,
    serverName,
    signingKey,
    random,
  })
  return {
    liveRooms,
    frozenRooms,
    isFrozen,
    audience,
    append,
    policyServers,
    policyRequests: new PolicyRequests({ rooms: liveRooms, policyServers, ownPolicy }),
  }
}
