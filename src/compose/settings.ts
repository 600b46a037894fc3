import type { Config } from '../config/schema.ts'
import type { HttpLimits } from '../http/limits.ts'
import { type UserId, userIdOf } from '../matrix/ids.ts'
import type { SigningKey } from '../matrix/signing-key.ts'
import type { HashMethod } from '../services/accounts/passwords/password-hash.ts'
import type { PasswordPolicy } from '../services/accounts/passwords/password-policy.ts'
import type { ClassLimits } from '../services/rate-limits.ts'
import { OwnPolicy } from '../services/rooms/policy/own-policy.ts'
import type { DatabaseConfig } from '../storage/config.ts'

/** Sections of the configuration in the terms of those who use them. */

export function databaseOf({ database }: Config): DatabaseConfig {
  if (database.kind === 'sqlite') return { kind: 'sqlite', path: database.path, cacheBytes: database.cache }
  const { url, schema, max_connections: maxConnections } = database
  return { kind: 'postgres', url, maxConnections, ...(schema === undefined ? {} : { schema }) }
}

export function rateLimitsOf({ rate_limits: { enabled, ...classes } }: Config): Record<string, ClassLimits> {
  const limits: Record<string, ClassLimits> = {}
  if (!enabled) return limits
  for (const [name, { user, address }] of Object.entries(classes)) {
    limits[name] = { ...(user && { user: rateOf(user) }), ...(address && { address: rateOf(address) }) }
  }
  return limits
}

const rateOf = (rate: { per_second: number; burst: number }) => ({ perSecond: rate.per_second, burst: rate.burst })

export function hashMethodOf({ passwords: { hash } }: Config): HashMethod {
  if (hash.kind === 'pbkdf2-sha256') return hash
  return { kind: 'argon2id', memoryKiB: hash.memory_kib, passes: hash.passes, lanes: hash.lanes }
}

export const passwordPolicyOf = ({ passwords: { policy } }: Config): PasswordPolicy => ({
  minLength: policy.min_length,
  requireDigit: policy.require_digit,
  requireLowercase: policy.require_lowercase,
  requireUppercase: policy.require_uppercase,
  requireSymbol: policy.require_symbol,
})

export const httpLimitsOf = ({ http }: Config): HttpLimits => ({
  maxConnections: http.max_connections,
  maxHeaderBytes: 16 * 1024,
  headersTimeoutMs: http.headers_timeout,
  bodyTimeoutMs: http.body_timeout,
  maxBufferedBytes: http.max_buffered_bodies,
  keepAliveMs: http.keep_alive,
})

/** What this server does as a policy server; undefined: it is none. */
export function ownPolicyOf(config: Config, signingKey: SigningKey): OwnPolicy | undefined {
  const { refuse } = config.policy_server
  if (refuse.length === 0) return undefined
  return new OwnPolicy({
    serverName: config.server_name,
    // A key of its own, as the specification wants it, and none that has to be kept: it changes with the server's.
    key: signingKey.derive('policy_server', 'matrix policy server'),
    refuse: refuse.map((pattern) => new RegExp(pattern, 'u')),
  })
}

/** Who sends the notices of the server. */
export const noticesUserOf = (config: Config): UserId => userIdOf(config.server_notices.user, config.server_name)
