import { matchesGlob } from '../matrix/glob.ts'
import type { JsonObject } from '../matrix/json.ts'

/** Patterns of one list that are looked at; an event has room for some thousands. */
const MAX_PATTERNS = 5_000

/**
 * Whether the content of a `m.room.server_acl` event lets a server take part in the room (spec: client-server API,
 * Server Access Control Lists). Ports do not matter, nor does case.
 */
export function mayTakePart(serverName: string, acl: JsonObject | undefined): boolean {
  // Rule 1.
  if (!acl) return true
  const host = serverName.toLowerCase().replace(/:\d+$/, '')
  // Rule 2.
  if (acl.allow_ip_literals === false && isIpLiteral(host)) return false
  // Rules 3 to 5.
  return !matchesAny(host, acl.deny) && matchesAny(host, acl.allow)
}

const isIpLiteral = (host: string): boolean => host.startsWith('[') || /^\d{1,3}(\.\d{1,3}){3}$/.test(host)

const matchesAny = (host: string, patterns: unknown): boolean =>
  Array.isArray(patterns) &&
  patterns
    .slice(0, MAX_PATTERNS)
    .some((pattern) => typeof pattern === 'string' && matchesGlob(host, pattern.toLowerCase()))
