import type { Config } from '../config/schema.ts'
import { Passwords } from '../services/accounts/passwords.ts'
import { Sessions } from '../services/accounts/sessions.ts'
import type { Ground } from './ground.ts'
import { hashMethodOf, passwordPolicyOf } from './settings.ts'

const MAX_CACHED_TOKENS = 50_000
const MAX_WAITING_PASSWORDS = 200
const LAST_SEEN_EVERY_MS = 60_000
const HOUR_MS = 3_600_000

/** Accounts: logins, passwords, registration, profiles. */
export function composeAccounts(config: Config, { db, clock, random, every, lifetime }: Ground) {
  const passwords = new Passwords({
    method: hashMethodOf(config),
    policy: passwordPolicyOf(config),
    maxConcurrent: config.passwords.max_concurrent,
    maxWaiting: MAX_WAITING_PASSWORDS,
    random,
  })
  const sessions = new Sessions({
    db,
    clock,
    random,
    lifetimes: {
      refreshableMs: config.sessions.refreshable_token_lifetime,
      refreshMs: config.sessions.refresh_token_lifetime,
      plainMs: config.sessions.access_token_lifetime,
    },
    maxCachedTokens: MAX_CACHED_TOKENS,
    lastSeenEveryMs: LAST_SEEN_EVERY_MS,
  })
  lifetime.add({ close: () => sessions.flushLastSeen() })
  every(LAST_SEEN_EVERY_MS, 'writing when devices were last seen', () => sessions.flushLastSeen())
  every(HOUR_MS, 'expiring tokens', () => sessions.expire(clock.now()))
  return { passwords, sessions }
}
