import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { oldKeyLine, parseOldKeys } from '../matrix/old-key.ts'
import { SigningKey } from '../matrix/signing-key.ts'
import { systemClock } from '../util/clock.ts'
import { isRunning } from './local-client.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

const SEED_BYTES = 32

/** `bongsu key …` */
export function keyCommands(configFile: () => string, terminal: Terminal): Command {
  const key = new Command('key').description('the key that this server signs with')
  key
    .command('show')
    .description('print its name and public part, for those who pin it')
    .action(() => {
      const { keyId, publicKey } = readKey(loadConfig(configFile()).paths.signing_key_file)
      terminal.print(`${keyId} ${publicKey}`)
    })
  key
    .command('rotate')
    .description(
      'replace it; the one before stays published as old, so that what it signed holds. Stop the server first',
    )
    .action(() => rotateKey(configFile(), terminal))
  return key
}

/** A new key, whose version tells it from others that the server may have had. */
export const newSigningKey = (): SigningKey =>
  new SigningKey(`a_${randomBytes(3).toString('hex')}`, randomBytes(SEED_BYTES))

const readKey = (file: string): SigningKey => SigningKey.parse(readFileSync(file, 'utf8'))

async function rotateKey(configFile: string, terminal: Terminal): Promise<void> {
  const config = loadConfig(configFile)
  // A running server goes on signing with the key that it has read, after that has been called old.
  if (await isRunning(config))
    throw new CommandFailed('The server is running: stop it, rotate the key, start it again.')
  const { signing_key_file: keyFile, old_keys_file: oldKeysFile } = config.paths
  const { keyId, publicKey } = readKey(keyFile)
  const before = existsSync(oldKeysFile) ? readFileSync(oldKeysFile, 'utf8') : ''
  const others = parseOldKeys(before).filter((old) => old.keyId !== keyId)
  const old = [...others, { keyId, publicKey, expiredTs: systemClock.now() }]
  replaceFile(oldKeysFile, old.map(oldKeyLine).join(''))
  const key = newSigningKey()
  replaceFile(keyFile, key.toFileText())
  terminal.print(`${key.keyId} replaces ${keyId}. Its public key, for those who pin it: ${key.publicKey}`)
}

/** Whole or not at all. */
function replaceFile(file: string, text: string): void {
  const next = `${file}.new`
  writeFileSync(next, text, { mode: 0o600, flush: true })
  renameSync(next, file)
}
