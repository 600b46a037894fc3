import { loadConfig } from '../config/load.ts'
import { ConfigMistakes } from '../config/mistakes.ts'
import type { Config } from '../config/schema.ts'
import {
  checkClock,
  checkDatabase,
  checkDisk,
  checkKey,
  checkMail,
  checkPorts,
  checkSearch,
  type Finding,
} from './checks.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

const CHECKS: readonly [name: string, check: (config: Config) => Promise<Finding>][] = [
  ['key', checkKey],
  ['database', checkDatabase],
  ['disk', checkDisk],
  ['clock', checkClock],
  ['ports', checkPorts],
  ['mail', checkMail],
  ['search', checkSearch],
]

/** `bongsu doctor`: one line for each thing that a server needs, and what to do about it. */
export async function doctor(configFile: string, terminal: Terminal): Promise<void> {
  const config = loadConfig(configFile)
  terminal.print(`ok    configuration: ${configFile} of ${config.server_name}`)
  let failures = 0
  for (const [name, check] of CHECKS) {
    const { isGood, says } = await check(config).catch(unexpected)
    terminal.print(`${isGood ? 'ok   ' : 'WRONG'} ${name}: ${says}`)
    if (!isGood) failures++
  }
  if (failures > 0) throw new CommandFailed(`${failures} of ${CHECKS.length + 1} checks failed.`)
}

/** A check that cannot even be made has failed. */
const unexpected = (error: unknown): Finding => ({
  isGood: false,
  says: error instanceof Error && !(error instanceof ConfigMistakes) ? error.message : String(error),
})
