import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeHome } from '../../src/cli/home.ts'
import type { ConfigInput } from '../../src/config/schema.ts'

export type DatabaseInput = NonNullable<ConfigInput['database']>

const ROOT = join(import.meta.dirname, '..', '..')
const BONGSU = join(ROOT, 'bongsu')
const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const PAGE_KIB = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })) / 1024
const START_LIMIT_MS = 60_000
const POLL_MS = 5

/** The built server as a process of its own, in its default configuration with only the rate limits lifted. */
export class ServerProcess {
  readonly origin: string
  /** Milliseconds from the start of the process to its first answer. */
  readonly startMs: number
  readonly #child: ChildProcess

  private constructor(origin: string, startMs: number, child: ChildProcess) {
    this.origin = origin
    this.startMs = startMs
    this.#child = child
  }

  /** In a home that is made for it. */
  static async start(dataDir: string, database: DatabaseInput): Promise<ServerProcess> {
    const port = await freePort()
    return ServerProcess.run(makeServerHome(dataDir, database, port), port)
  }

  /** With a configuration whose plain listener is on that port. */
  static async run(configFile: string, port: number): Promise<ServerProcess> {
    const dataDir = dirname(configFile)
    const log = openSync(join(dataDir, 'server.log'), 'a')
    const started = performance.now()
    const child = spawn(BONGSU, ['--config', configFile, 'start'], {
      cwd: dataDir,
      stdio: ['ignore', log, log],
      env: { ...process.env, NODE_ENV: 'production' },
    })
    const origin = `http://127.0.0.1:${port}`
    while (!(await answers(origin))) {
      if (child.exitCode !== null) throw new Error(`The server ended at once; see ${dataDir}/server.log`)
      if (performance.now() - started > START_LIMIT_MS) throw new Error('The server does not answer')
      await sleep(POLL_MS)
    }
    return new ServerProcess(origin, performance.now() - started, child)
  }

  /** User and system time of the process so far, all threads, in milliseconds. */
  cpuMs(): number {
    const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return ((Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND) * 1000
  }

  /** Resident memory in MiB. */
  memoryMiB(): number {
    const pages = Number(readFileSync(`/proc/${this.#child.pid}/statm`, 'utf8').split(' ')[1])
    return (pages * PAGE_KIB) / 1024
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGTERM')
    await ended
  }
}

/**
 * Makes what a first start makes: configuration and key. Port 0 for a server that is not to be reached. `further`: what
 * else the configuration says.
 * @returns the configuration's file
 */
export function makeServerHome(
  dataDir: string,
  database: DatabaseInput,
  port: number,
  { listeners = [], ...further }: Partial<ConfigInput> = {},
): string {
  mkdirSync(dataDir, { recursive: true })
  const file = join(dataDir, 'config.yaml')
  rmSync(file, { force: true })
  makeHome(file, {
    server_name: 'bench.localhost',
    listeners: [{ address: '127.0.0.1', port, serves: ['client', 'health', 'metrics'] }, ...listeners],
    database,
    registration: { mode: 'open' },
    rate_limits: { enabled: false },
    ...further,
  })
  return file
}

/** Bytes of an SQLite database with its log. */
export const databaseBytes = (path: string): number =>
  ['', '-wal', '.search', '.search-wal'].reduce(
    (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

const answers = (origin: string): Promise<boolean> =>
  fetch(`${origin}/_matrix/client/versions`).then(
    (response) => response.ok,
    () => false,
  )

/** A port of loopback that nobody listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
