import type { Config } from '../config/schema.ts'
import type { UserId } from '../matrix/ids.ts'
import { turnAccess } from '../services/turn-credentials.ts'
import type { Ground } from './ground.ts'

/** What clients are told of the servers that carry calls. */
export function composeCalls({ calls }: Config, { clock }: Ground) {
  const { uris, shared_secret: sharedSecret, lifetime: lifetimeMs } = calls.turn
  return {
    /** Access to the TURN servers; undefined where there are none. */
    turnAccess: (userId: UserId) =>
      uris.length === 0 || sharedSecret === undefined
        ? undefined
        : turnAccess({ uris, sharedSecret, lifetimeMs }, clock, userId),
    rtcTransports: calls.rtc_transports,
  }
}
