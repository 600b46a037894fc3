// `npm run demo`: two ministries on one machine, each with a server of its own, talk to each other over TLS.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Authority } from '../test/support/tls.ts'
import { type Conversation, converse } from './conversation.ts'
import { type Ministry, openMinistry } from './ministry.ts'
import { LocalNetwork } from './network.ts'

const NAMES = ['moef.localhost', 'mois.localhost'] as const
const TITLES = ['기획재정부', '행정안전부'] as const

process.umask(0o077)
const stop = new AbortController()
// npm passes a Ctrl-C on to a process that the terminal has told already: the second one changes nothing.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort())
const stopped = once(stop.signal, 'abort')
const print = (line = ''): void => void process.stdout.write(`${line}\n`)

const directory = mkdtempSync(join(tmpdir(), 'bongsu-demo-'))
const ministries: Ministry[] = []
try {
  const authority = await Authority.create('Bongsu demo')
  const network = new LocalNetwork()
  const open = (index: 0 | 1) =>
    openMinistry(TITLES[index], NAMES[index], {
      directory,
      authority,
      network,
      partners: NAMES.filter((name) => name !== NAMES[index]),
    })
  const finance = await open(0)
  ministries.push(finance)
  const interior = await open(1)
  ministries.push(interior)
  for (const { title, serverName, home } of ministries) print(`${title} has its server ${serverName} in ${home}`)
  print()
  const ended = await Promise.race([converse(finance, interior, print), stopped])
  if ('roomId' in ended) {
    invite(ended)
    await stopped
  }
} finally {
  for (const { server } of ministries) await server.close()
  rmSync(directory, { recursive: true, force: true })
}
print('\nBoth servers have ended, and their directories are gone.')
// A conversation that was interrupted may still wait for an answer.
process.exit()

/** Tells a person how to take part. */
function invite({ people }: Conversation): void {
  print('\nTake part with any Matrix client (Element, Cinny, FluffyChat, nheko ...):\n')
  for (const { ministry, name, userId, password } of people) {
    print(`  homeserver ${ministry.url}   user ${userId}   password ${password}   (${name})`)
  }
  print('\nLook inside, in a second terminal:\n')
  for (const { home } of ministries) {
    print(`  npm run bongsu -- --config ${join(home, 'config.yaml')} federation status`)
  }
  print('\nCtrl-C ends both servers and removes what they stored.')
}
