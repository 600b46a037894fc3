import { loadConfig } from '../config/load.ts'
import { readRegistrations } from '../config/registration-file.ts'
import type { Terminal } from './terminal.ts'

/** `bongsu config check`: throws `ConfigMistakes`, which lists them. */
export function checkConfig(configFile: string, terminal: Terminal): void {
  const { server_name: serverName, application_services: listed } = loadConfig(configFile)
  readRegistrations(listed.map(({ registration_file: file }) => file))
  terminal.print(`${configFile} is a good configuration of ${serverName}.`)
}
