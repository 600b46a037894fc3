import { TIMEOUT } from 'node:dns'
import { lookup, Resolver } from 'node:dns/promises'
import { connect, type Socket } from 'node:net'
import { type Address, NameLookup } from './name-lookup.ts'

export type { Address }

/** One SRV record. */
export interface Service {
  readonly name: string
  readonly port: number
  readonly priority: number
  readonly weight: number
}

/** Names, addresses and connections: the edge that tests replace. */
export interface Network {
  /** The addresses of a host, at least one; rejects when there are none. */
  addresses(hostname: string): Promise<readonly Address[]>
  /** The SRV records of a name; empty when there are none or nobody can tell. */
  services(name: string): Promise<readonly Service[]>
  /** Begins a connection to one of these addresses of a host, whichever answers first. */
  connect(hostname: string, addresses: readonly Address[], port: number): Socket
}

const TIMEOUT_MS = 2000
const NEXT_ADDRESS_AFTER_MS = 250

/** The machine's network: its host file and resolver. */
export function systemNetwork(): Network {
  // A closed network without a name server must not make everybody wait for SRV records that cannot exist.
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 })
  const names = new NameLookup({
    lookup: (hostname) => lookup(hostname, { all: true, order: 'verbatim' }),
    isAnswered: async (hostname) => {
      const answers = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
      return !answers.some((answer) => answer.status === 'rejected' && answer.reason.code === TIMEOUT)
    },
  })
  return {
    addresses: (hostname) => names.addresses(hostname),
    services: (name) => resolver.resolveSrv(name).catch(() => []),
    connect: (hostname, addresses, port) =>
      connect({
        host: hostname,
        port,
        noDelay: true,
        // The only resolution there is: a name that leads elsewhere a moment later changes nothing.
        lookup: (_hostname, _options, callback) => callback(null, [...addresses]),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_AFTER_MS,
      }),
  }
}
