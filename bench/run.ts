/**
 * Measures what users feel, and holds it against the bars. See CONTRIBUTING.md.
 *
 *     npm run bench                                       SQLite, a database of 1,000,000 events, 60 s a scenario
 *     npm run bench -- --postgres <url>                   the same on PostgreSQL (an empty database or schema)
 *     npm run bench -- --only messages,delivery-200 --seconds 10 --events 10000
 *     npm run bench -- --data <dir>                       keeps the filled database there, and uses it again
 *     npm run bench -- --target http://127.0.0.1:8448     another homeserver with open registration, on loopback
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, exit, stdout, version } from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { fill } from './fill.ts'
import { Http } from './load/http.ts'
import { type DatabaseInput, ServerProcess } from './load/server-process.ts'
import { ms } from './load/statistics.ts'
import { User } from './load/user.ts'
import type { Figure, Scenario, World } from './scenario.ts'
import { bigRoom300, bigRoom1000 } from './scenarios/big-room.ts'
import { delivery200, delivery500 } from './scenarios/delivery.ts'
import { claimKeys, encryptedDelivery, toDevice } from './scenarios/encryption.ts'
import { federationCatchUp } from './scenarios/federation-catch-up.ts'
import { federationInbound } from './scenarios/federation-inbound.ts'
import { federationJoin } from './scenarios/federation-join.ts'
import { federationDead, federationDelivery, federationFanOut } from './scenarios/federation-outbound.ts'
import { downloads, remoteFiles, thumbnails } from './scenarios/media.ts'
import { messages, oneSender } from './scenarios/messages.ts'
import { searching } from './scenarios/search.ts'
import { slidingSync } from './scenarios/sliding.ts'
import { disturbedDelivery, emptySync, firstSync200, firstSync500 } from './scenarios/syncs.ts'
import { joins, registrations, rooms } from './scenarios/writes.ts'

const SCENARIOS: readonly Scenario[] = [
  oneSender,
  messages,
  delivery200,
  delivery500,
  bigRoom300,
  bigRoom1000,
  firstSync200,
  firstSync500,
  emptySync,
  slidingSync,
  encryptedDelivery,
  toDevice,
  claimKeys,
  downloads,
  thumbnails,
  rooms,
  joins,
  registrations,
  searching,
  disturbedDelivery,
  federationInbound,
  federationFanOut,
  federationDelivery,
  federationDead,
  federationJoin,
  federationCatchUp,
  remoteFiles,
]

const { values: options } = parseArgs({
  args: argv.slice(2),
  options: {
    postgres: { type: 'string' },
    target: { type: 'string' },
    only: { type: 'string' },
    seconds: { type: 'string', default: '60' },
    events: { type: 'string', default: '1000000' },
    data: { type: 'string' },
  },
})

/** After the first answer, what starting took is given back. */
const SETTLE_MS = 1000
const REGISTERED_AT_ONCE = 8

const print = (line: string) => stdout.write(`${line}\n`)
const seconds = Number(options.seconds)
const events = Number(options.events)
const wanted = options.only?.split(',')
const scenarios = SCENARIOS.filter(({ name }) => wanted === undefined || wanted.includes(name))

function report({ what, figure, bar, holds }: Figure): void {
  const judgement = holds === undefined ? '' : holds ? ' ✓' : ' ✗'
  print(`| ${what} | ${figure} | ${bar ?? ''}${judgement} |`)
  if (holds === false) failures.push(what)
}
const failures: string[] = []

function makeWorld(origin: string, server?: ServerProcess): World & { close(): Promise<void> } {
  const http = new Http(origin)
  return {
    http,
    seconds,
    async users(count) {
      const users: User[] = []
      while (users.length < count) {
        const missing = Math.min(REGISTERED_AT_ONCE, count - users.length)
        users.push(...(await Promise.all(Array.from({ length: missing }, () => User.register(http)))))
      }
      return users
    },
    cpuMs: () => server?.cpuMs(),
    memoryMiB: () => server?.memoryMiB(),
    close: () => http.close(),
  }
}

async function runScenarios(world: World): Promise<void> {
  for (const scenario of scenarios) for (const figure of await scenario.run(world)) report(figure)
}

function printHead(what: string): void {
  const conditions = [
    what,
    `${availableParallelism()} cores of ${cpus()[0]?.model.trim()}, which also run the load`,
    `Node ${version}`,
    `${seconds} s a scenario`,
    new Date().toISOString(),
  ]
  print(`\n${conditions.join(' · ')}\n`)
  print('| what | figure | bar |')
  print('|---|---|---|')
}

async function runOurs(database: DatabaseInput, dataDir: string): Promise<void> {
  const bytesPerEvent = await fill(dataDir, database, events, print)
  printHead(`Bongsu on ${database.kind}, a database of ${events} events, answers on disk, logging on`)
  const server = await ServerProcess.start(dataDir, database)
  report({ what: 'start to first answer', figure: ms(server.startMs), bar: '1000 ms', holds: server.startMs <= 1000 })
  await sleep(SETTLE_MS)
  const idle = server.memoryMiB()
  report({ what: 'memory, idle', figure: `${idle.toFixed(0)} MiB`, bar: '120 MiB', holds: idle <= 120 })
  if (bytesPerEvent) {
    const { stored, json } = bytesPerEvent
    const figure = `${(stored / json).toFixed(2)} times its JSON (${stored.toFixed(0)} of ${json.toFixed(0)} bytes)`
    report({ what: 'disk per message event, everything included', figure, bar: '3 times', holds: stored < 3 * json })
  }
  const world = makeWorld(server.origin, server)
  try {
    await runScenarios(world)
    const after = server.memoryMiB()
    report({
      what: 'memory, after all of the above',
      figure: `${after.toFixed(0)} MiB`,
      bar: '400 MiB',
      holds: after <= 400,
    })
  } finally {
    await world.close()
    await server.stop()
  }
}

if (options.target !== undefined) {
  printHead(`The homeserver at ${options.target}`)
  const world = makeWorld(options.target)
  await runScenarios(world)
  await world.close()
} else {
  const dataDir = options.data ?? mkdtempSync(join(tmpdir(), 'bongsu-bench-'))
  const database: DatabaseInput =
    options.postgres === undefined ? { kind: 'sqlite' } : { kind: 'postgres', url: options.postgres }
  try {
    await runOurs(database, dataDir)
  } finally {
    if (options.data === undefined) rmSync(dataDir, { recursive: true, force: true })
  }
}
print(failures.length === 0 ? '\nAll bars hold.' : `\n${failures.length} below their bars: ${failures.join('; ')}`)
exit(failures.length === 0 ? 0 : 1)
