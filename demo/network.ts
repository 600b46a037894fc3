import { connect } from 'node:net'
import type { Network } from '../src/outbound/network.ts'

/**
 * What a name server would tell the demo's servers: every name is this machine, and each server says in an SRV record at
 * which port it is.
 */
export class LocalNetwork implements Network {
  readonly #ports = new Map<string, number>()

  /** Has a server name lead to a port of this machine. */
  serve(serverName: string, port: number): void {
    this.#ports.set(`_matrix-fed._tcp.${serverName}`, port)
  }

  async addresses(): ReturnType<Network['addresses']> {
    return [{ address: '127.0.0.1', family: 4 }]
  }

  async services(name: string): ReturnType<Network['services']> {
    const port = this.#ports.get(name)
    if (port === undefined) return []
    return [{ name: name.slice(name.indexOf('_tcp.') + 5), port, priority: 10, weight: 10 }]
  }

  connect(_hostname: string, _addresses: unknown, port: number): ReturnType<Network['connect']> {
    return connect({ host: '127.0.0.1', port, noDelay: true })
  }
}
