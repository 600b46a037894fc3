import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { duration } from '../config/units.ts'
import { isServerPattern, type ListedServer } from '../federation/policy/server-list.ts'
import { readSignedList, signList } from '../federation/policy/signed-list.ts'
import { SigningKey } from '../matrix/signing-key.ts'
import { VerifyKey } from '../matrix/verify-key.ts'
import { systemClock } from '../util/clock.ts'
import { newSigningKey } from './key.ts'
import { CommandFailed, type Terminal } from './terminal.ts'

interface SignOptions {
  readonly key: string
  readonly valid: string
  readonly out?: string
}

/** `bongsu federation list …`: for whoever keeps the list of a group of servers. Needs no server and no configuration. */
export function listCommands(terminal: Terminal): Command {
  const list = new Command('list').description('a signed list of servers that trust each other')
  list
    .command('sign <servers>')
    .description('sign a file with one server a line, each with its public key behind it if that is to be pinned')
    .requiredOption('--key <file>', 'the key to sign with; it is made if it does not exist')
    .option('--valid <time>', 'how long the list holds', '30d')
    .option('--out <file>', 'where to write the list; otherwise it is printed')
    .action((servers: string, options: SignOptions) => sign(servers, options, terminal))
  list
    .command('verify <list>')
    .description('check a signed list, and print what it says')
    .requiredOption('--key <key>', 'the public key that it must be signed with')
    .action((file: string, { key }: { key: string }) => verify(file, key, terminal))
  return list
}

function sign(serversFile: string, { key: keyFile, valid, out }: SignOptions, terminal: Terminal): void {
  const validMs = duration.safeParse(valid)
  if (!validMs.success) throw new CommandFailed('--valid must be a length of time such as 12h or 30d.')
  const servers = readServers(readFileSync(serversFile, 'utf8'))
  if (!existsSync(keyFile)) writeFileSync(keyFile, newSigningKey().toFileText(), { mode: 0o600, flag: 'wx' })
  const key = SigningKey.parse(readFileSync(keyFile, 'utf8'))
  const now = systemClock.now()
  const text = signList({ issuedTs: now, expiresTs: now + validMs.data, servers }, key)
  if (out === undefined) terminal.print(text)
  else writeFileSync(out, `${text}\n`)
  const until = new Date(now + validMs.data).toISOString()
  terminal.note(
    `${servers.length} servers, until ${until}. The public key, for federation.signed_list.key: ${key.publicKey}`,
  )
}

async function verify(file: string, key: string, terminal: Terminal): Promise<void> {
  const list = await readSignedList(readFileSync(file, 'utf8'), key)
  if (typeof list === 'string') throw new CommandFailed(`The list is not good: ${list}.`)
  const { issuedTs, expiresTs, servers } = list
  for (const { name, key: pinned } of servers) terminal.print(pinned === undefined ? name : `${name} ${pinned}`)
  const times = `issued ${new Date(issuedTs).toISOString()}, until ${new Date(expiresTs).toISOString()}`
  if (expiresTs <= systemClock.now()) throw new CommandFailed(`The list has run out: ${times}.`)
  terminal.note(`The list is good: ${servers.length} servers, ${times}.`)
}

/** One server a line, with its key where that is pinned; `#` begins a comment. */
function readServers(text: string): ListedServer[] {
  return text.split('\n').flatMap((line, index) => {
    const [name, key, ...rest] = line.replace(/#.*/, '').split(/\s+/).filter(Boolean)
    if (name === undefined) return []
    const isGood = isServerPattern(name) && (key === undefined || VerifyKey.from(key) !== undefined)
    if (!isGood || rest.length > 0) throw new CommandFailed(`Line ${index + 1} is not "server" or "server public-key".`)
    return { name, key }
  })
}
