import { type Db, transact } from '../src/storage/db.ts'
import { rawRows } from '../src/storage/run.ts'
import { applyChanges, diffStates, loadState, type StateChange, stateEntry } from '../src/storage/state/state.ts'
import { freshDatabases } from './load/databases.ts'

/**
 * Shared state in a large room: 20,000 members, 50,000 state changes, a fork of one to five changes after every
 * hundredth, which is compared and merged. Prints bytes and times; `src/storage/state/state.ts` quotes them.
 */
const MEMBERS = 20_000
const CHANGES = 50_000
const FORK_EVERY = 100
const BATCH = 500
const MEMBER_TYPE = 7

/** The same figures in every run. */
let seed = 42
function random(below: number): number {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((seed / 2 ** 32) * below)
}

let eventNid = 1_000_000
function nextEvent(): number {
  eventNid += 1 + random(20)
  return eventNid
}

/** Half of the members are known from other rooms, in no order; half are new, with numbers in order. */
const shuffled = Array.from({ length: MEMBERS }, (_, i) => ({ i, at: random(2 ** 30) }))
  .sort((a, b) => a.at - b.at)
  .map(({ i }) => i)
const keyOf = (member: number) => (member % 2 === 0 ? 100_000 + member * 5 : 1_000 + (shuffled[member] ?? 0) * 3)
const memberChange = (member: number): StateChange => ({
  typeNid: MEMBER_TYPE,
  keyNid: keyOf(member),
  eventNid: nextEvent(),
})

function changeNo(n: number): StateChange {
  if (n < MEMBERS) return memberChange(n)
  if (random(50) === 0) return { typeNid: 1 + random(6), keyNid: 1, eventNid: nextEvent() }
  return memberChange(random(MEMBERS))
}

/** Every state on the way, in order. */
async function build(db: Db): Promise<number[]> {
  const states: number[] = []
  let current: number | undefined
  for (let start = 0; start < CHANGES; start += BATCH) {
    await transact(db, async (tx) => {
      for (let n = start; n < start + BATCH; n++) {
        current = await applyChanges(tx, current, [changeNo(n)])
        states.push(current)
        if (n % FORK_EVERY !== FORK_EVERY - 1) continue
        let side = states[Math.max(0, states.length - 1 - random(50))]
        const forked = Array.from({ length: 1 + random(5) }, () => memberChange(random(n < MEMBERS ? n : MEMBERS)))
        for (const change of forked) side = await applyChanges(tx, side, [change])
        if (side === undefined) continue
        await diffStates(tx, current, side)
        current = await applyChanges(tx, current, forked)
        states.push(current)
      }
    })
  }
  return states
}

async function timed(runs: number, work: (run: number) => Promise<unknown>): Promise<string> {
  const start = performance.now()
  for (let run = 0; run < runs; run++) await work(run)
  const ms = (performance.now() - start) / runs
  return ms < 1 ? `${(ms * 1000).toFixed(0)} µs` : `${ms.toFixed(1)} ms`
}

for await (const { kind, db, reopen, bytes } of freshDatabases()) {
  const start = performance.now()
  const states = await build(db)
  const buildMs = performance.now() - start
  const last = states.at(-1) ?? 0
  const [size] = await rawRows<{ rows: number; bytes: number; largest: number }>(
    db,
    'select count(*) as rows, sum(length(nodes)) as bytes, max(length(nodes)) as largest from state',
  )
  const at = () => random(MEMBERS) + MEMBERS
  const cold = await reopen()
  const figures = {
    states: states.length,
    rows: size?.rows,
    'bytes a change, content': Math.round((size?.bytes ?? 0) / (size?.rows ?? 1)),
    // A row is one change, or a merge of up to five: no fork, wherever it begins, costs more than this.
    'bytes of the largest change': size?.largest,
    'bytes a change, on disk': Math.round((await bytes()) / (size?.rows ?? 1)),
    'one change': `${((buildMs * 1000) / (size?.rows ?? 1)).toFixed(0)} µs`,
    'load, cold': await timed(1, () => loadState(cold, last)),
    'load, warm': await timed(10, () => loadState(cold, last)),
    'one entry, older states': await timed(1000, () =>
      stateEntry(cold, states[at()] ?? 0, MEMBER_TYPE, keyOf(random(MEMBERS))),
    ),
    'diff, 10 changes apart': await timed(300, () => {
      const from = at()
      return diffStates(cold, states[from] ?? 0, states[from + 10] ?? 0)
    }),
    'diff, 1,000 changes apart': await timed(30, () => {
      const from = at()
      return diffStates(cold, states[from] ?? 0, states[from + 1000] ?? 0)
    }),
  }
  process.stdout.write(
    `${kind}\n${Object.entries(figures)
      .map(([name, value]) => `  ${name}: ${value}\n`)
      .join('')}`,
  )
}
