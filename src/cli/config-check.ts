import { loadConfig } from '../config/load.ts'
import type { Terminal } from './terminal.ts'

/** `bongsu config check`: throws `ConfigMistakes`, which lists them. */
export function checkConfig(configFile: string, terminal: Terminal): void {
  const { server_name: serverName } = loadConfig(configFile)
  terminal.print(`${configFile} is a good configuration of ${serverName}.`)
}
