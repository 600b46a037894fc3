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
  readonly #cut = new Set<string>()
  readonly #open = new Map<Socket, string>()
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

  /** Nobody reaches this address any more; connections to it break. */
  cut(address: string): void {
    this.#cut.add(address)
    for (const [socket, to] of this.#open) if (to === address) socket.destroy()
  }

  mend(address: string): void {
    this.#cut.delete(address)
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
    const places = addresses.map(({ address }) => `${address}:${port}`)
    this.attempts.push(...places)
    const open = places.find((place) => this.#ports.has(place) && !this.#cut.has(hostOf(place)))
    const socket = connect({ host: '127.0.0.1', port: this.#ports.get(open ?? '') ?? REFUSED })
    if (open === undefined) return socket
    this.#open.set(socket, hostOf(open))
    return socket.on('close', () => this.#open.delete(socket))
  }
}

const hostOf = (place: string): string => place.slice(0, place.lastIndexOf(':'))
