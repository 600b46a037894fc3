import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { Client } from './client.ts'
import { AS_TOKEN, Ghost, writeRegistration } from './registration.ts'
import { openServer, startServer, type TestServer, type TestServerOptions } from './server.ts'

const REGISTER = { type: 'm.login.application_service', inhibit_login: true }

export interface Bridged extends TestServer {
  /** The application service as its own user. */
  readonly bridge: Client
  /** Registers a user of the application service. */
  ghost(name: string): Promise<Ghost>
}

/** A server with one application service; see `writeRegistration` for what `changes` changes. */
export async function startBridged(changes: object = {}, config: object = {}): Promise<Bridged> {
  return bridged(await startServer({ config: { ...withRegistration(changes), ...config } }))
}

/** The same for a server that is closed and started again: the caller does both. */
export async function openBridged(changes: object, options: TestServerOptions): Promise<Bridged> {
  return bridged(await openServer({ ...options, config: withRegistration(changes) }))
}

function withRegistration(changes: object) {
  const directory = mkdtempSync(join(tmpdir(), 'bongsu-appservice-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return { application_services: [{ registration_file: writeRegistration(directory, changes) }] }
}

function bridged(server: TestServer): Bridged {
  const bridge = new Client(server.url, AS_TOKEN)
  const ghost = async (name: string) => {
    const { user_id } = await bridge.post('/v3/register', { ...REGISTER, username: name })
    return new Ghost(server.url, user_id)
  }
  return { ...server, bridge, ghost }
}
