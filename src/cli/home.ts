import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { stringify } from 'yaml'
import { parseConfig } from '../config/load.ts'
import type { Config, ConfigInput } from '../config/schema.ts'
import { newSigningKey } from './key.ts'
import { CommandFailed } from './terminal.ts'

const HEAD = '# Every key that may stand here is explained in config.example.yaml.\n'

/**
 * Makes a server's home: its directory, its configuration and its signing key, which only its user may read. The
 * database follows at the first start. Throws when there is a configuration already.
 */
export function makeHome(configFile: string, input: ConfigInput): Config {
  const file = resolve(configFile)
  const text = HEAD + stringify(input)
  const config = parseConfig(text, file) // before anything is written, so that a mistake leaves nothing behind
  if (existsSync(file)) throw new CommandFailed(`${configFile} exists already: nothing was changed.`)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  if (!existsSync(config.paths.signing_key_file)) writeKey(config.paths.signing_key_file)
  writeFileSync(file, text, { mode: 0o600, flag: 'wx' })
  return config
}

function writeKey(file: string): void {
  writeFileSync(file, newSigningKey().toFileText(), { mode: 0o600, flag: 'wx' })
  chmodSync(file, 0o600)
}
