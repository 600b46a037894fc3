import type { ConfigInput } from '../config/schema.ts'
import { withoutBrackets } from '../matrix/server-name.ts'
import { makeHome } from './home.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

interface Options {
  readonly serverName: string
  readonly publicUrl?: string
  readonly listen: string
}

const DEFAULT_LISTEN = '127.0.0.1:8008'
const METRICS_PORT = 8009

/** `bongsu init`: the home of a real server. */
export function initialise(configFile: string, { serverName, publicUrl, listen }: Options, terminal: Terminal): void {
  const input: ConfigInput = {
    server_name: serverName,
    ...(publicUrl !== undefined && { public_url: publicUrl }),
    ...(listen !== DEFAULT_LISTEN && { listeners: listenersAt(listen) }),
  }
  const { paths } = makeHome(configFile, input)
  terminal.print(`Made ${configFile} for ${serverName}, and its key ${paths.signing_key_file}: keep a copy of it.`)
  terminal.print('Look through the configuration, then start the server with: bongsu start')
}

function listenersAt(listen: string): ConfigInput['listeners'] {
  const colon = listen.lastIndexOf(':')
  const address = withoutBrackets(listen.slice(0, colon))
  const port = Number(listen.slice(colon + 1))
  if (colon < 1 || !Number.isInteger(port)) throw new CommandFailed(`--listen ${listen}: not an address and a port`)
  return [
    { address, port, serves: ['client', 'health'] },
    { address: '127.0.0.1', port: METRICS_PORT, serves: ['health', 'metrics'] },
  ]
}
