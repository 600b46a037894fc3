import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '../../test/support/tls.ts'
import { Http } from '../load/http.ts'
import { freePort, makeServerHome, ServerProcess } from '../load/server-process.ts'
import { User } from '../load/user.ts'

/** One of our servers, as a process of its own that others reach over TLS. */
export class Homeserver {
  readonly name: string
  readonly http: Http
  readonly configFile: string
  readonly #port: number
  #process: ServerProcess | undefined

  constructor(name: string, port: number, configFile: string) {
    this.name = name
    this.http = new Http(`http://127.0.0.1:${port}`)
    this.configFile = configFile
    this.#port = port
  }

  async start(): Promise<void> {
    this.#process = await ServerProcess.run(this.configFile, this.#port)
  }

  async stop(): Promise<void> {
    await this.#process?.stop()
    this.#process = undefined
  }

  cpuMs(): number {
    return this.#process?.cpuMs() ?? 0
  }

  memoryMiB(): number {
    return this.#process?.memoryMiB() ?? 0
  }

  register(): Promise<User> {
    return User.register(this.http)
  }
}

/**
 * Homeservers on loopback that federate over real TLS, with a certificate authority made for them. All of them keep
 * their data in SQLite.
 */
export class Site {
  readonly authority: Authority
  readonly #directory: string
  readonly #servers: Homeserver[] = []

  private constructor(authority: Authority, directory: string) {
    this.authority = authority
    this.#directory = directory
    writeFileSync(this.#authorityFile, authority.cert)
  }

  static async create(): Promise<Site> {
    return new Site(await Authority.create(), mkdtempSync(join(tmpdir(), 'bongsu-bench-')))
  }

  get #authorityFile(): string {
    return join(this.#directory, 'ca.pem')
  }

  /** Makes a server that is not started yet. */
  async make(): Promise<Homeserver> {
    const [port, tlsPort] = [await freePort(), await freePort()]
    const name = `127.0.0.1:${tlsPort}`
    const home = join(this.#directory, String(tlsPort))
    mkdirSync(home)
    const [certificate_file, key_file] = [join(home, 'tls.crt'), join(home, 'tls.key')]
    const { cert, key } = await this.authority.issue('127.0.0.1')
    writeFileSync(certificate_file, cert)
    writeFileSync(key_file, key)
    const configFile = makeServerHome(home, { kind: 'sqlite' }, port, {
      server_name: name,
      listeners: [{ address: '127.0.0.1', port: tlsPort, serves: ['federation'], tls: { certificate_file, key_file } }],
      federation: { mode: 'open' },
      outbound: { allow: ['127.0.0.0/8'], authorities_file: this.#authorityFile },
    })
    const server = new Homeserver(name, port, configFile)
    this.#servers.push(server)
    return server
  }

  async start(): Promise<Homeserver> {
    const server = await this.make()
    await server.start()
    return server
  }

  async close(): Promise<void> {
    for (const server of this.#servers) {
      await server.http.close()
      await server.stop()
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Measures on a site of its own. */
export async function onSite<T>(measure: (site: Site) => Promise<T>): Promise<T> {
  const site = await Site.create()
  try {
    return await measure(site)
  } finally {
    await site.close()
  }
}
