import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { onTestFinished } from 'vitest'
import type { ConfigInput } from '../../src/config/schema.ts'
import { FakeClock } from './clock.ts'
import { TestNetwork } from './network.ts'
import { openServer, type TestServer } from './server.ts'
import { serverDatabase } from './server-database.ts'
import { Authority } from './tls.ts'

/** A server that others reach under its name. */
export interface Federated extends TestServer {
  readonly name: string
  /** Its made-up address in the network. */
  readonly address: string
  /** Ends it and starts it again on the same data. */
  restart(): Promise<Federated>
}

/** Servers that talk to each other over TLS, and the world between them. */
export class World {
  readonly network = new TestNetwork()
  readonly clock: FakeClock
  readonly authority: Authority
  readonly directory: string
  #count = 0

  private constructor(authority: Authority, directory: string, clock: FakeClock) {
    this.authority = authority
    this.directory = directory
    this.clock = clock
    writeFileSync(join(directory, 'ca.pem'), authority.cert)
  }

  /** An empty world that ends with the test. */
  static async create(clock = new FakeClock()): Promise<World> {
    const world = new World(await Authority.create(), mkdtempSync(join(tmpdir(), 'bongsu-world-')), clock)
    onTestFinished(() => rmSync(world.directory, { recursive: true, force: true }))
    return world
  }

  /** Starts a server. Its name leads to an address of its own, where it listens on port 8448. */
  async start(name: string, config: Partial<ConfigInput> = {}, { log }: { log?: Logger } = {}): Promise<Federated> {
    const address = `10.0.0.${++this.#count}`
    this.network.name(name, address)
    const home = mkdtempSync(join(this.directory, 'server-'))
    onTestFinished(async () => (await serverDatabase(home)).remove())
    return this.#open(name, address, home, config, log)
  }

  async #open(
    name: string,
    address: string,
    home: string,
    config: Partial<ConfigInput>,
    log: Logger | undefined,
  ): Promise<Federated> {
    const certificate = await this.authority.issue(name)
    const [certificate_file, key_file] = [join(home, 'tls.crt'), join(home, 'tls.key')]
    writeFileSync(certificate_file, certificate.cert)
    writeFileSync(key_file, certificate.key)
    const server = await openServer({
      directory: home,
      clock: this.clock,
      network: this.network,
      ...(log && { log }),
      config: {
        server_name: name,
        listeners: [
          { address: '127.0.0.1', port: 0, serves: ['client'] },
          { address: '127.0.0.1', port: 0, serves: ['client', 'federation'], tls: { certificate_file, key_file } },
        ],
        federation: { mode: 'open' },
        outbound: {
          allow: ['10.0.0.0/8'],
          authorities_file: join(this.directory, 'ca.pem'),
          only_these_authorities: true,
        },
        ...config,
      },
    })
    onTestFinished(() => server.close())
    const listening = server.server.addresses()[1]
    if (typeof listening !== 'object') throw new Error('The second listener has no port')
    this.network.listen(address, 8448, listening.port)
    const restart = async () => {
      await server.close()
      return this.#open(name, address, home, config, log)
    }
    return { ...server, name, address, restart }
  }
}
