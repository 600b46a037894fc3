import { isServerName } from '../../matrix/ids.ts'
import { isIpLiteral } from '../../matrix/server-name.ts'
import { plainName } from './plain-name.ts'

/** One partner, or a group of them. */
export interface ListedServer {
  /** A server name, in which `*` stands for any text and `?` for one letter; a port only where it is not the usual one. */
  readonly name: string
  /** The only public key that is believed of it (base64). */
  readonly key?: string | undefined
}

interface Entry {
  readonly matches: (host: string) => boolean
  /** undefined: any. */
  readonly port: number | undefined
  readonly key: string | undefined
}

const DEFAULT_PORT = 8448

/** Server names to talk to. Patterns stand for hosts; a port is another server, and is listed by its own entry. */
export class ServerList {
  readonly #exact = new Map<string, Entry>()
  readonly #patterns: Entry[] = []

  constructor(servers: readonly ListedServer[]) {
    for (const { name, key } of servers) {
      const pattern = patternOf(name)
      if (pattern === undefined) continue
      const { host, port } = pattern
      const entry = { matches: matcherOf(host), port, key: key?.replace(/=+$/, '') }
      if (/[*?]/.test(host) || port === undefined) this.#patterns.push(entry)
      else this.#exact.set(`${host}:${port}`, entry)
    }
  }

  has(serverName: string): boolean {
    return this.#find(serverName) !== undefined
  }

  /** The only key that counts for the server, where one is given. */
  keyOf(serverName: string): string | undefined {
    return this.#find(serverName)?.key
  }

  #find(serverName: string): Entry | undefined {
    // Entries may be written in any script; a name that is none by the grammar is nobody's.
    const plain = isServerName(serverName) ? plainName(serverName) : undefined
    if (!plain) return undefined
    const { host, port } = plain
    return (
      this.#exact.get(`${host}:${port}`) ??
      this.#patterns.find((entry) => (entry.port === undefined || entry.port === port) && entry.matches(host))
    )
  }
}

/** Whether an entry can be understood. */
export const isServerPattern = (text: string): boolean => patternOf(text) !== undefined

function patternOf(text: string): { host: string; port: number | undefined } | undefined {
  const anyPort = /^(.*[^:]):\*$/.exec(text)
  const [, host = text, digits] = anyPort ? [text, anyPort[1]] : (/^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(text) ?? [])
  const port = anyPort ? undefined : Number(digits ?? DEFAULT_PORT)
  // Wildcards are letters of no host: what is left must be one.
  if (!/[*?]/.test(host)) {
    const plain = plainName(host)
    return plain && { host: plain.host, port }
  }
  const lower = host.toLowerCase().replace(/\.$/, '')
  return /^[0-9a-z.*?-]+$/.test(lower) ? { host: lower, port } : undefined
}

/** The administrator's own pattern over a host of at most 255 letters. `10.0.0.*` is an address, and `10.0.0.1.a.test` none. */
function matcherOf(pattern: string): (host: string) => boolean {
  const parts = pattern.split(/\*+/).map((part) => part.replace(/[.\\+^$|()[\]{}]/g, '\\$&').replaceAll('?', '.'))
  const expression = new RegExp(`^${parts.join('.*')}$`)
  const wantsAddress = /^[\d.*?]*\d[\d.*?]*$/.test(pattern)
  return (host) => expression.test(host) && (!wantsAddress || isIpLiteral(host))
}
