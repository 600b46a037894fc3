import { matchesGlob } from '../matrix/glob.ts'
import type { JsonObject } from '../matrix/json.ts'
import { addressOf, isIpLiteral } from '../matrix/server-name.ts'

/** Patterns of one list that are looked at; an event has room for some thousands. */
const MAX_PATTERNS = 5_000

/**
 * Whether the content of a `m.room.server_acl` event lets a server take part in the room (spec: client-server API,
 * Server Access Control Lists). Ports do not matter, nor does case.
 *
 * NOTSPEC: nor does the dot at the end of a host, or how an address is spelt, where they would keep a server out. It is
 * the same machine, and shows the same certificate.
 */
export function mayTakePart(serverName: string, acl: JsonObject | undefined): boolean {
  // Rule 1.
  if (!acl) return true
  const host = serverName.toLowerCase().replace(/:\d+$/, '')
  const address = addressOf(host)
  // Rule 2.
  if (acl.allow_ip_literals === false && (isIpLiteral(host) || address !== undefined)) return false
  // Rules 3 to 5.
  const spellings = new Set([host, host.replace(/\.$/, ''), address ?? host])
  return ![...spellings].some((spelling) => matchesAny(spelling, acl.deny)) && matchesAny(host, acl.allow)
}

const matchesAny = (host: string, patterns: unknown): boolean =>
  Array.isArray(patterns) &&
  patterns
    .slice(0, MAX_PATTERNS)
    .some((pattern) => typeof pattern === 'string' && matchesGlob(host, pattern.toLowerCase()))
