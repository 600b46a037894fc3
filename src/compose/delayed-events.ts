import type { Config } from '../config/schema.ts'
import { newSecret } from '../services/accounts/token-text.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import { DelayedEvents } from '../services/rooms/send/delayed-events.ts'
import type { Sending } from '../services/rooms/send/sending.ts'
import { delayLimitsOf } from './discovery.ts'
import type { Ground } from './ground.ts'

/** Events that are sent later. */
export function composeDelayedEvents(
  config: Config,
  { db, clock, random, rateLimits, log, lifetime }: Ground,
  { sending, liveRooms }: { sending: Sending; liveRooms: LiveRooms },
) {
  const delayedEvents = new DelayedEvents({
    db,
    clock,
    rooms: liveRooms,
    sending,
    ...delayLimitsOf(config),
    newId: () => newSecret(random),
    countMessage: (userId) => rateLimits.count('message', { userId }),
    onFailure: (err) => log.error({ err }, 'sending a delayed event failed'),
  })
  lifetime.add(delayedEvents)
  return { delayedEvents }
}
