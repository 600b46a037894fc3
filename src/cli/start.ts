import { existsSync } from 'node:fs'
import { loadConfig } from '../config/load.ts'
import type { Config } from '../config/schema.ts'
import { createServer } from '../server.ts'
import { version } from '../util/version.ts'
import { collectGarbage } from './collect-garbage.ts'
import { edgesOf } from './edges.ts'
import { makeHome } from './home.ts'
import { openLog } from './log.ts'
import { spareMemory } from './spare-memory.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

interface Options {
  readonly terminal: Terminal
  readonly stop: AbortSignal
  /** Without a configuration, a trial server is made. */
  readonly mayInitialise: boolean
}

const TRIAL_NAME = 'localhost'
/** Who waits for a restart has been answered by then. */
const SETTLED_AFTER_MS = 500

/** `bongsu start`: serves until it is told to stop. */
export async function startServer(configFile: string, { terminal, stop, mayInitialise }: Options): Promise<void> {
  const isFirst = mayInitialise && !existsSync(configFile)
  const config = isFirst ? makeHome(configFile, { server_name: TRIAL_NAME }) : loadConfig(configFile)
  const { log, close: closeLog } = openLog(config.logging.level)
  try {
    let fail = (_error: unknown) => {}
    const failed = new Promise<never>((_resolve, reject) => {
      fail = reject
    })
    const onFatal = (error: unknown) => {
      log.fatal({ err: error }, 'the server cannot go on')
      fail(new CommandFailed('The server cannot go on: see the log.'))
    }
    const server = await createServer(config, { ...edgesOf(terminal, log), onFatal })
    try {
      await server.start()
      welcome(config, configFile, isFirst, terminal)
      setTimeout(collectGarbage, SETTLED_AFTER_MS).unref()
      spareMemory()
      await Promise.race([aborted(stop), failed])
    } finally {
      await server.close()
    }
  } finally {
    closeLog()
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

function welcome(config: Config, configFile: string, isFirst: boolean, terminal: Terminal): void {
  const address = addressOf(config)
  terminal.note(`Bongsu ${version} serves ${config.server_name} at ${address}`)
  if (!isFirst) return
  terminal.note(`
This is a trial server. Its name, ${config.server_name}, is part of every user id and can never change: for a server that
is to stay, stop this one, remove ${configFile} and its directory, and begin with
    npm run bongsu -- init --server-name your.domain
The first administrator:
    npm run bongsu -- user create --admin NAME
Then point a Matrix client at ${address} as its homeserver: Element, Cinny, FluffyChat, nheko ...`)
}

/** Where clients reach the server, as far as the configuration knows. */
function addressOf({ public_url: publicUrl, listeners }: Config): string {
  const listener = listeners.find(({ serves }) => serves.includes('client'))
  if (publicUrl !== undefined || listener === undefined) return publicUrl ?? '(no listener for clients)'
  const { address, port, tls } = listener
  const host = ['0.0.0.0', '::'].includes(address) ? 'localhost' : address.includes(':') ? `[${address}]` : address
  return `${tls ? 'https' : 'http'}://${host}:${port}`
}
