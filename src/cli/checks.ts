import { readFileSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import { mailServerOf } from '../compose/mail.ts'
import { databaseOf } from '../compose/settings.ts'
import type { Config } from '../config/schema.ts'
import { SigningKey } from '../matrix/signing-key.ts'
import { tryMailServer } from '../outbound/smtp.ts'
import { inspectDatabase } from '../storage/inspect.ts'
import { countUnseen } from '../storage/search/inspect.ts'
import { isRunning } from './local-client.ts'

export interface Finding {
  readonly isGood: boolean
  /** What was found; if it is not good, with what to do. */
  readonly says: string
}

const good = (says: string): Finding => ({ isGood: true, says })
const bad = (says: string): Finding => ({ isGood: false, says })

const GIB = 1024 ** 3
const LEAST_FREE_BYTES = GIB
/** No clock that is right shows less. */
const EARLIEST_MS = Date.UTC(2026, 0, 1)
const TOLERANCE_MS = 60_000
const OTHERS_MASK = 0o077

/** The key can be read, and by nobody else. */
export async function checkKey({ paths: { signing_key_file: file } }: Config): Promise<Finding> {
  const key = SigningKey.parse(readFileSync(file, 'utf8'))
  const mode = statSync(file).mode & OTHERS_MASK
  if (mode !== 0) return bad(`others may read ${file}: chmod 600 ${file}`)
  return good(`${key.keyId}, public ${key.publicKey}`)
}

/** The database is whole, and not of a newer program. */
export async function checkDatabase(config: Config): Promise<Finding> {
  const { schemaVersion, knownVersion, problems } = await inspectDatabase(databaseOf(config))
  if (problems.length > 0) return bad(`it is damaged (${problems.slice(0, 3).join('; ')}): restore a backup`)
  if (schemaVersion === undefined) return good('not there yet; the first start makes it')
  if (schemaVersion > knownVersion) return bad(`version ${schemaVersion}, made by a newer program: run that one`)
  if (schemaVersion < knownVersion) return good(`version ${schemaVersion}; the next start brings it to ${knownVersion}`)
  return good(`version ${schemaVersion}, whole`)
}

/** There is room for more. */
export async function checkDisk(config: Config): Promise<Finding> {
  const { database, paths } = config
  const directory = dirname(database.kind === 'sqlite' ? database.path : paths.signing_key_file)
  const { bavail, bsize } = await statfs(directory)
  const free = bavail * bsize
  const says = `${(free / GIB).toFixed(1)} GiB free at ${directory}`
  return free < LEAST_FREE_BYTES ? bad(`${says}: make room, or writes will be refused`) : good(says)
}

/** Without a network, a clock can only be caught at what cannot be. */
export async function checkClock({ database }: Config): Promise<Finding> {
  const now = Date.now()
  const says = new Date(now).toISOString()
  if (now < EARLIEST_MS) return bad(`${says} is long past: set the clock`)
  const file = database.kind === 'sqlite' ? statSync(database.path, { throwIfNoEntry: false }) : undefined
  if (file && file.mtimeMs > now + TOLERANCE_MS) {
    return bad(`${says}, but the database was written at ${file.mtime.toISOString()}: set the clock`)
  }
  return good(`${says}; compare it with your watch`)
}

/** The mail server lets us in; no mail is sent. */
export async function checkMail(config: Config): Promise<Finding> {
  const server = mailServerOf(config)
  if (server === undefined) return good('none is sent, as the configuration names no mail server')
  const name = `${server.host} port ${server.port}`
  try {
    await tryMailServer(server)
    return good(`${name} lets this server in`)
  } catch (error) {
    return bad(`${name}: ${error instanceof Error ? error.message : String(error)}; see mail in the configuration`)
  }
}

/** How far the index of what was said has come. */
export async function checkSearch(config: Config): Promise<Finding> {
  if (!config.search.messages) return good('off, as the configuration says')
  const unseen = await countUnseen(databaseOf(config))
  if (unseen === undefined) return good('there is no index yet; the server makes it')
  if (unseen <= 0) return good('the index has everything')
  return good(`the index is behind by ${unseen} events; a running server catches up by itself`)
}

/** Nobody but a server of this configuration listens where it is to listen. */
export async function checkPorts(config: Config): Promise<Finding> {
  const names = config.listeners.map(({ address, port }) => `${address} port ${port}`)
  if (await isRunning(config)) return good(`${names.join(', ')}: the server is running`)
  for (const [index, { address, port }] of config.listeners.entries()) {
    const problem = await tryListening(address, port)
    if (problem !== undefined) return bad(`${names[index]}: ${problem}; end the other program or change listeners`)
  }
  return good(`${names.join(', ')}: free`)
}

const tryListening = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(error.message))
    server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  })
