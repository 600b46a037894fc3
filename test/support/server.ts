import { randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Logger, pino } from 'pino'
import { onTestFinished } from 'vitest'
import { type ConfigInput, configSchema } from '../../src/config/schema.ts'
import { type Network, systemNetwork } from '../../src/outbound/network.ts'
import { createServer, type Server } from '../../src/server.ts'
import { Client } from './client.ts'
import { FakeClock } from './clock.ts'
import { serverDatabase } from './server-database.ts'

export interface TestServer {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string
  readonly client: Client
  readonly clock: FakeClock
  readonly server: Server
  /** The directory of its database and key. */
  readonly directory: string
  close(graceMs?: number): Promise<void>
}

export interface TestServerOptions {
  /** Whole sections replace those below. */
  readonly config?: Partial<ConfigInput>
  readonly clock?: FakeClock
  /** Default: what is wrong, to standard error. */
  readonly log?: Logger
  /** Default: the machine's own. */
  readonly network?: Network
  /** A directory of the caller's, who removes it: a server that was closed starts there again. */
  readonly directory?: string
}

/** A real server on a free port, with a database of its own; it ends with the test. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const started = await openServer(options)
  onTestFinished(() => started.close())
  return started
}

/** The same for several tests: the caller closes it. */
export async function openServer({
  config,
  clock = new FakeClock(),
  log = pino({ level: 'error' }, process.stderr),
  directory,
  network = systemNetwork(),
}: TestServerOptions = {}): Promise<TestServer> {
  const home = directory ?? mkdtempSync(join(tmpdir(), 'bongsu-test-'))
  const keyFile = join(home, 'signing.key')
  if (!existsSync(keyFile)) writeFileSync(keyFile, `ed25519 test ${randomBytes(32).toString('base64')}\n`)
  const database = await serverDatabase(home)
  const server = await createServer(configSchema.parse({ ...configFor(home), database: database.config, ...config }), {
    clock,
    random: randomBytes,
    network,
    log,
    onFatal: (error) => {
      throw error
    },
  })
  await server.start()
  const [address] = server.addresses()
  if (typeof address !== 'object') throw new Error('The first listener has no port')
  const url = `http://127.0.0.1:${address.port}`
  let closing: Promise<void> | undefined
  const close = (graceMs = GRACE_MS) => {
    closing ??= server.close(graceMs).finally(async () => {
      if (directory !== undefined) return // it may be started again
      database.remove()
      rmSync(home, { recursive: true, force: true })
    })
    return closing
  }
  return { url, client: new Client(url), clock, server, directory: home, close }
}

/** Long enough for a long poll to be answered, and for what is idle no more than some milliseconds. */
const GRACE_MS = 100

/** Open registration, cheap hashes and no rate limits: what tests want unless they say otherwise. */
const configFor = (directory: string): ConfigInput => ({
  server_name: 'example.org',
  listeners: [{ address: '127.0.0.1', port: 0, serves: ['client', 'health', 'metrics'] }],
  paths: {
    signing_key_file: join(directory, 'signing.key'),
    old_keys_file: join(directory, 'signing.key.old'),
    socket_file: join(directory, 'bongsu.sock'),
  },
  registration: { mode: 'open', guests: true },
  passwords: { hash: { kind: 'argon2id', memory_kib: 8, passes: 1 } },
  rate_limits: { enabled: false },
  media: { path: join(directory, 'media') },
})
