import { writeSync } from 'node:fs'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import { rounds, timeoutMs } from '../reliability/length.ts'
import { joinVia } from '../support/federated.ts'
import { create, pick, raise, VERSIONS } from './acts.ts'
import { agree, Divergence } from './agree.ts'
import { stories } from './commands.ts'
import { Nation } from './nation.ts'
import { heal, quiet } from './settle.ts'

const SHORT_ROUNDS = 2
const MAX_STEPS = 120
/** Of those who are there from the beginning. */
const LEVELS = [100, 50, 0]

/** How a story begins. */
const beginnings = fc.record({
  sites: fc.integer({ min: 2, max: 6 }),
  people: fc.integer({ min: 1, max: 2 }),
  version: fc.constantFrom(...VERSIONS),
})

/** `LONG=<minutes>` goes on for so long, past divergences, and says what it saw. */
const isLong = Number(process.env.LONG ?? 0) > 0

/** `SEED=<number>`: one story again, as far as sockets allow. The short form tells the same ones every time. */
function* seeds(): Generator<number> {
  if (process.env.SEED !== undefined) return yield Number(process.env.SEED)
  const first = isLong ? Math.floor(Math.random() * 1_000_000_000) : 1
  for (const round of rounds(SHORT_ROUNDS)) yield first + round
}

/** Lives through one story and gives what there is to say of it. */
async function live(seed: number): Promise<string> {
  let report = ''
  const story = fc.asyncProperty(beginnings, stories(MAX_STEPS), async ({ sites, people, version }, steps) => {
    const nation = await Nation.found(sites, people)
    try {
      const founder = pick(nation.people, 0)
      const roomId = await create(nation, founder, version)
      if (roomId === undefined) throw new Error('The first room could not be made')
      for (const person of nation.people) {
        await joinVia(person.client, roomId, founder.site.name)
        await raise(founder, roomId, person, pick(LEVELS, nation.people.indexOf(person))).catch(() => {})
      }
      await nation.say(founder, roomId)
      await quiet(nation)
      await fc.asyncModelRun(() => ({ model: {}, real: nation }), steps)
      await heal(nation)
      let rejoined = 0
      for (const room of nation.rooms) rejoined += await agree(nation, room)
      if (nation.errors.length > 0) throw new Divergence(`Servers logged errors:\n${nation.errors.join('')}`)
      const { done, refused, cut } = nation.counts
      report = `${sites} servers, ${nation.rooms.length} rooms (first of version ${version}), ${done} acts, ${refused} refused, ${cut} cut off, ${rejoined} joined anew`
    } finally {
      await nation.end()
    }
  })
  await fc.assert(story, { seed, numRuns: 1, unbiased: true, endOnFailure: process.env.SHRINK === undefined })
  return report
}

/** What was found, without the long story, which the seed tells again. */
const reasonOf = ({ cause, stack }: Error): string => (cause instanceof Error ? cause.stack : stack) ?? ''

describe('servers on which users act at random while links fail, heal, and servers restart', () => {
  it(
    'come to the same state and the same events, with nothing lost, doubled or left over',
    async () => {
      const diverged: string[] = []
      for (const seed of seeds()) {
        const begin = performance.now()
        try {
          const report = await live(seed)
          const heapMib = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
          const ms = Math.round(performance.now() - begin)
          if (isLong) writeSync(1, `SEED=${seed} agreed in ${ms} ms: ${report}, heap ${heapMib} MiB\n`)
        } catch (error) {
          const what = `SEED=${seed} diverged: ${error instanceof Error ? reasonOf(error) : error}`
          diverged.push(what)
          if (!isLong) break
          writeSync(1, `${what}\n`)
        }
      }
      if (diverged.length > 0) throw new Divergence(diverged.join('\n\n'))
    },
    timeoutMs,
  )
})
