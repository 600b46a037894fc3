import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { makeHome } from '../src/cli/home.ts'
import { createServer, type Server } from '../src/server.ts'
import { systemClock } from '../src/util/clock.ts'
import type { Authority } from '../test/support/tls.ts'
import type { LocalNetwork } from './network.ts'

/** A ministry with a server of its own. */
export interface Ministry {
  readonly title: string
  readonly serverName: string
  /** Where clients reach it. */
  readonly url: string
  /** Its directory: configuration, key, database, log. */
  readonly home: string
  readonly server: Server
}

interface Surroundings {
  readonly directory: string
  readonly authority: Authority
  readonly network: LocalNetwork
  /** The only servers that it talks to. */
  readonly partners: readonly string[]
}

/** Makes a server as an administrator would, with a certificate and a list of partners, and starts it. */
export async function openMinistry(
  title: string,
  serverName: string,
  { directory, authority, network, partners }: Surroundings,
): Promise<Ministry> {
  const home = join(directory, serverName)
  mkdirSync(home)
  const { cert, key } = await authority.issue(serverName)
  writeFileSync(join(home, 'tls.crt'), cert)
  writeFileSync(join(home, 'tls.key'), key, { mode: 0o600 })
  writeFileSync(join(home, 'authority.pem'), authority.cert)
  const config = makeHome(join(home, 'config.yaml'), {
    server_name: serverName,
    listeners: [
      { address: '127.0.0.1', port: 0, serves: ['client', 'health'] },
      {
        address: '127.0.0.1',
        port: 0,
        serves: ['federation'],
        tls: { certificate_file: 'tls.crt', key_file: 'tls.key' },
      },
    ],
    federation: { mode: 'list', servers: partners.map((name) => ({ name })) },
    outbound: { allow: ['127.0.0.1'], authorities_file: 'authority.pem', only_these_authorities: true },
  })
  const log = pino(pino.destination(join(home, 'log')))
  const server = await createServer(config, {
    clock: systemClock,
    random: randomBytes,
    network,
    log,
    onFatal: (error) => {
      throw error
    },
  })
  await server.start()
  const [forClients, forServers] = server.addresses()
  if (typeof forClients !== 'object' || typeof forServers !== 'object') throw new Error('A listener has no port')
  network.serve(serverName, forServers.port)
  return { title, serverName, url: `http://127.0.0.1:${forClients.port}`, home, server }
}
