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

export interface WorldOptions {
  /** Of all servers; default: one that stands still. */
  readonly clock?: FakeClock
  /** What ends the world; default: the end of the test. */
  readonly atEnd?: (work: () => Promise<void> | void) => void
}

export interface StartOptions {
  readonly log?: Logger
  /** Its own clock, where it is not that of the world. */
  readonly clock?: FakeClock
}

/** Servers that talk to each other over TLS, and the world between them. */
export class World {
  readonly network = new TestNetwork()
  readonly clock: FakeClock
  readonly authority: Authority
  readonly directory: string
  readonly #atEnd: (work: () => Promise<void> | void) => void
  #count = 0

  private constructor(authority: Authority, directory: string, { clock, atEnd }: Required<WorldOptions>) {
    this.authority = authority
    this.directory = directory
    this.clock = clock
    this.#atEnd = atEnd
    writeFileSync(join(directory, 'ca.pem'), authority.cert)
  }

  /** An empty world. */
  static async create({ clock = new FakeClock(), atEnd = onTestFinished }: WorldOptions = {}): Promise<World> {
    const directory = mkdtempSync(join(tmpdir(), 'bongsu-world-'))
    atEnd(() => rmSync(directory, { recursive: true, force: true }))
    return new World(await Authority.create(), directory, { clock, atEnd })
  }

  /** Starts a server. Its name leads to an address of its own, where it listens on port 8448. */
  async start(name: string, config: Partial<ConfigInput> = {}, options: StartOptions = {}): Promise<Federated> {
    const address = `10.0.0.${++this.#count}`
    this.network.name(name, address)
    const home = mkdtempSync(join(this.directory, 'server-'))
    const database = await serverDatabase(home)
    this.#atEnd(() => database.remove())
    return this.#open(name, address, home, config, options)
  }

  async #open(
    name: string,
    address: string,
    home: string,
    config: Partial<ConfigInput>,
    options: StartOptions,
  ): Promise<Federated> {
    const certificate = await this.authority.issue(name)
    const [certificate_file, key_file] = [join(home, 'tls.crt'), join(home, 'tls.key')]
    writeFileSync(certificate_file, certificate.cert)
    writeFileSync(key_file, certificate.key)
    const server = await openServer({
      directory: home,
      clock: this.clock,
      network: this.network.from(address),
      ...options,
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
    this.#atEnd(() => server.close())
    const listening = server.server.addresses()[1]
    if (typeof listening !== 'object') throw new Error('The second listener has no port')
    this.network.listen(address, 8448, listening.port)
    const restart = async () => {
      await server.close()
      return this.#open(name, address, home, config, options)
    }
    return { ...server, name, address, restart }
  }
}
