import { createHmac } from 'node:crypto'
import type { UserId } from '../matrix/ids.ts'
import type { Clock } from '../util/clock.ts'

export interface TurnServers {
  readonly uris: readonly string[]
  readonly sharedSecret: string
  readonly lifetimeMs: number
}

export interface TurnAccess {
  readonly username: string
  readonly password: string
  readonly uris: readonly string[]
  /** In seconds. */
  readonly ttl: number
}

/**
 * A name and password for the TURN servers that end by themselves: the servers know the secret and need to ask nobody
 * (draft-uberti-behave-turn-rest, `use-auth-secret` of coturn).
 */
export function turnAccess({ uris, sharedSecret, lifetimeMs }: TurnServers, clock: Clock, userId: UserId): TurnAccess {
  const ttl = Math.floor(lifetimeMs / 1000)
  const username = `${Math.floor(clock.now() / 1000) + ttl}:${userId}`
  const password = createHmac('sha1', sharedSecret).update(username).digest('base64')
  return { username, password, uris, ttl }
}
