import { isServerName } from './ids.ts'

/** The parts of a server name (spec: appendices, Server Name). */
export interface ServerNameParts {
  /** A host name, an IPv4 address, or an IPv6 address in brackets. */
  readonly host: string
  readonly port: number | undefined
}

const MAX_PORT = 65_535

/** `undefined` if it is no server name. */
export function parseServerName(text: string): ServerNameParts | undefined {
  if (!isServerName(text)) return undefined
  const [, host = '', digits] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  return host === '' || (port !== undefined && (port === 0 || port > MAX_PORT)) ? undefined : { host, port }
}

const OCTETS = /^(?:\d{1,3}\.){3}\d{1,3}$/

/** Whether the host of a server name is an address and no name. */
export const isIpLiteral = (host: string): boolean => host.startsWith('[') || OCTETS.test(host)

/**
 * The address that a host is, in its usual form, also where it is spelt as old resolvers take it: `0x7f.1`, `2130706433`,
 * `127.0.0.1.`, `[0:0::1]`. `undefined`: it is a name.
 */
export function addressOf(host: string): string | undefined {
  const hostname = URL.parse(`http://${host}`)?.hostname
  return hostname !== undefined && isIpLiteral(hostname) ? hostname : undefined
}

/** A host as sockets take it: IPv6 addresses without the brackets around. */
export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')
