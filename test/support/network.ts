import { connect, type Socket } from 'node:net'
import type { Address, Network, Service } from '../../src/outbound/network.ts'

/** A port where nobody listens: connections are refused at once. */
const REFUSED = 1

/**
 * A network of the tests: names have made-up addresses, and connections to those go to ports of this machine. So a test
 * may have public and private addresses, the ports of the specification, and links that fail.
 */
export class TestNetwork implements Network {
  readonly #hosts = new Map<string, readonly string[]>()
  readonly #services = new Map<string, readonly Service[]>()
  readonly #ports = new Map<string, number>()
  /** Addresses, and links (`from>to`). */
  readonly #cut = new Set<string>()
  readonly #open = new Map<Socket, readonly string[]>()
  /** Every connection that was asked for: `10.0.0.1:8448`. */
  readonly attempts: string[] = []
  /** Every name that was looked up. */
  readonly lookups: string[] = []

  /** Gives a host its addresses. */
  name(hostname: string, ...addresses: string[]): void {
    this.#hosts.set(hostname, addresses)
  }

  /** Gives a name its SRV records. */
  serve(name: string, ...services: (Partial<Service> & { name: string; port: number })[]): void {
    this.#services.set(
      name,
      services.map((service) => ({ priority: 10, weight: 10, ...service })),
    )
  }

  /** Has connections to this made-up place go to a port of this machine. */
  listen(address: string, port: number, realPort: number): void {
    this.#ports.set(`${address}:${port}`, realPort)
  }

  /** Where on this machine a made-up place is. */
  placeOf(address: string, port: number): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.#ports.get(`${address}:${port}`) ?? REFUSED }
  }

  /** Nobody reaches this address any more, or only this one does not; connections to it break. */
  cut(address: string, from?: string): void {
    const place = linkOf(address, from)
    this.#cut.add(place)
    for (const [socket, way] of this.#open) if (way.includes(place)) socket.destroy(new Error('The link is cut'))
  }

  mend(address: string, from?: string): void {
    this.#cut.delete(linkOf(address, from))
  }

  /** The network as one of its addresses has it. */
  from(address: string): Network {
    return {
      addresses: (hostname) => this.addresses(hostname),
      services: (name) => this.services(name),
      connect: (_hostname, addresses, port) => this.#connect(addresses, port, address),
    }
  }

  async addresses(hostname: string): Promise<readonly Address[]> {
    this.lookups.push(hostname)
    const found = this.#hosts.get(hostname)
    if (!found) throw new Error(`getaddrinfo ENOTFOUND ${hostname}`)
    return found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
  }

  async services(name: string): Promise<readonly Service[]> {
    this.lookups.push(name)
    return this.#services.get(name) ?? []
  }

  connect(_hostname: string, addresses: readonly Address[], port: number): Socket {
    return this.#connect(addresses, port)
  }

  #connect(addresses: readonly Address[], port: number, from?: string): Socket {
    const placeOf = (address: string) => `${address}:${port}`
    this.attempts.push(...addresses.map(({ address }) => placeOf(address)))
    const wayTo = (address: string) => [address, linkOf(address, from)]
    const open = addresses.find(
      ({ address }) => this.#ports.has(placeOf(address)) && !wayTo(address).some((part) => this.#cut.has(part)),
    )
    const socket = connect({ host: '127.0.0.1', port: (open && this.#ports.get(placeOf(open.address))) ?? REFUSED })
    if (!open) return socket
    this.#open.set(socket, wayTo(open.address))
    return socket.on('close', () => this.#open.delete(socket))
  }
}

const linkOf = (to: string, from?: string): string => (from === undefined ? to : `${from}>${to}`)
