import { isIpLiteral, parseServerName } from '../matrix/server-name.ts'
import type { Destination } from '../outbound/guarded-client.ts'
import type { Network, Service } from '../outbound/network.ts'
import type { Clock } from '../util/clock.ts'
import { lruCache } from '../util/lru.ts'
import type { WellKnown } from './well-known.ts'

interface Deps {
  readonly network: Pick<Network, 'services'>
  readonly wellKnown: Pick<WellKnown, 'of'>
  readonly clock: Clock
  /** A number in [0, 1), for the choice between services of equal priority. */
  random(): number
}

const DEFAULT_PORT = 8448
const MAX_CACHED = 10_000
const LIFETIME_MS = 10 * 60_000
/** What one name may have us connect to, one after the other. */
const MAX_SERVICES = 8

/** Finds where a server is (spec: server-server API, Resolving server names). The numbers are those of the steps. */
export class ServerDiscovery {
  readonly #deps: Deps
  readonly #found = lruCache<string, { destination: Destination; until: number }>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Never looks up names again that it has looked up lately. Throws where the name is none. */
  async resolve(serverName: string): Promise<Destination> {
    const found = this.#found.get(serverName)
    const now = this.#deps.clock.now()
    if (found && found.until > now) return found.destination
    const destination = await this.#discover(serverName)
    this.#found.set(serverName, { destination, until: now + LIFETIME_MS })
    return destination
  }

  /** A connection failed: the next one looks anew, as far as the caches of what others said allow. */
  forget(serverName: string): void {
    this.#found.delete(serverName)
  }

  async #discover(serverName: string): Promise<Destination> {
    const { host, port } = partsOf(serverName)
    if (isIpLiteral(host)) return at(host, port, serverName) // 1
    if (port !== undefined) return at(host, port, serverName) // 2
    // The services are wanted only without a delegation (3), but a host that does not answer takes its time.
    const [delegated, services] = await Promise.all([this.#deps.wellKnown.of(host), this.#services(host)])
    return delegated === undefined
      ? byServices(host, services) // 4, 5, 6
      : this.#delegated(delegated)
  }

  async #delegated(serverName: string): Promise<Destination> {
    const { host, port } = partsOf(serverName)
    if (isIpLiteral(host)) return at(host, port, serverName) // 3.1
    if (port !== undefined) return at(host, port, serverName) // 3.2
    return byServices(host, await this.#services(host)) // 3.3, 3.4, 3.5
  }

  async #services(host: string): Promise<readonly Service[]> {
    const { network, random } = this.#deps
    const [current, deprecated] = await Promise.all([
      network.services(`_matrix-fed._tcp.${host}`),
      network.services(`_matrix._tcp.${host}`),
    ])
    return inOrder(current.length > 0 ? current : deprecated, random).slice(0, MAX_SERVICES)
  }
}

const partsOf = (serverName: string) => {
  const parts = parseServerName(serverName)
  if (!parts) throw new Error(`Not a server name: ${serverName}`)
  return parts
}

const at = (host: string, port: number | undefined, hostHeader: string): Destination => ({
  scheme: 'https',
  endpoints: [{ host, port: port ?? DEFAULT_PORT }],
  tlsName: host,
  hostHeader,
})

/** DNS is not secure: whoever a service leads to must still show the certificate of the host. */
function byServices(host: string, services: readonly Service[]): Destination {
  const places = services.map(({ name, port }) => ({ host: name.replace(/\.$/, ''), port }))
  const endpoints = places.filter((place) => place.host !== '' && place.port !== 0) // a service named "." is none
  return { ...at(host, DEFAULT_PORT, host), ...(endpoints.length > 0 && { endpoints }) }
}

/** RFC 2782: by priority; within one, at random, in proportion to the weights. */
function inOrder(services: readonly Service[], random: () => number): Service[] {
  const ranked = services.map((service) => ({ service, rank: random() ** (1 / Math.max(service.weight, 0.1)) }))
  return ranked.sort((a, b) => a.service.priority - b.service.priority || b.rank - a.rank).map(({ service }) => service)
}
