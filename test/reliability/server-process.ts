import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import type { Authority } from '../support/tls.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** The home of a server that runs as a process of its own, as `bongsu start` does. */
export interface ServerHome {
  readonly url: string
  readonly serverName: string
  readonly databasePath: string
  /** Resolves when it serves. */
  start(): Promise<RunningServer>
}

export interface RunningServer {
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>
}

/** `authority`: has it talk to servers whose certificates are from there, with its own address for a name. */
export async function serverHome(authority?: Authority): Promise<ServerHome> {
  const folder = mkdtempSync(join(tmpdir(), 'bongsu-process-'))
  const running = new Set<ChildProcess>()
  onTestFinished(async () => {
    for (const child of running) await killed(child)
    rmSync(folder, { recursive: true })
  })
  const port = await freePort()
  const databasePath = join(folder, 'bongsu.db')
  const keyFile = join(folder, 'signing.key')
  const configFile = join(folder, 'config.yaml')
  writeFileSync(keyFile, new SigningKey('test', randomBytes(32)).toFileText(), { mode: 0o600 })
  const clients = { address: '127.0.0.1', port, serves: ['client'] }
  const { serverName, ...federated } = authority
    ? await federation(authority, folder, clients)
    : { serverName: 'example.org', listeners: [clients] }
  // JSON is YAML.
  const config = {
    server_name: serverName,
    paths: { signing_key_file: keyFile, socket_file: join(folder, 'bongsu.sock') },
    database: { kind: 'sqlite', path: databasePath },
    registration: { mode: 'open' },
    passwords: { hash: { kind: 'argon2id', memory_kib: 8, passes: 1 } },
    rate_limits: { enabled: false },
    logging: { level: 'error' },
    ...federated,
  }
  writeFileSync(configFile, JSON.stringify(config))
  return {
    url: `http://127.0.0.1:${port}`,
    serverName,
    databasePath,
    async start() {
      const child = spawn(process.execPath, [MAIN, 'start'], {
        env: { ...process.env, BONGSU_CONFIG: configFile },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      running.add(child)
      await serves(child)
      return {
        async kill() {
          running.delete(child)
          await killed(child)
        },
      }
    },
  }
}

/** What a server needs to talk to others on this machine, beside its listener for clients. */
async function federation(authority: Authority, folder: string, clients: object) {
  const [certificateFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')]
  const authoritiesFile = join(folder, 'ca.pem')
  const certificate = await authority.issue('127.0.0.1')
  writeFileSync(certificateFile, certificate.cert)
  writeFileSync(keyFile, certificate.key)
  writeFileSync(authoritiesFile, authority.cert)
  const port = await freePort()
  const tls = { certificate_file: certificateFile, key_file: keyFile }
  return {
    serverName: `127.0.0.1:${port}`,
    listeners: [clients, { address: '127.0.0.1', port, serves: ['federation'], tls }],
    federation: { mode: 'open' },
    outbound: { allow: ['127.0.0.0/8'], authorities_file: authoritiesFile, only_these_authorities: true },
  }
}

/** Waits for the line that says where it serves. */
async function serves(child: ChildProcess): Promise<void> {
  let printed = ''
  const started = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        printed += text
        if (printed.includes(' serves ')) resolve()
      })
    }
    child.once('exit', (code) => reject(new Error(`The server ended with ${code}: ${printed}`)))
  })
  await started
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('No free port')
  return address.port
}
