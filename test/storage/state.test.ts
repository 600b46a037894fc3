import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type Db, transact } from '../../src/storage/db.ts'
import { rawRows } from '../../src/storage/run.ts'
import {
  applyChanges,
  diffStates,
  loadState,
  type StateChange,
  type StateEntry,
  stateEntries,
  stateEntry,
} from '../../src/storage/state/state.ts'
import { withDatabases } from '../support/databases.ts'

const apply = (db: Db, stateNid: number | undefined, changes: readonly StateChange[]) =>
  transact(db, (tx) => applyChanges(tx, stateNid, changes))

const entry = (typeNid: number, keyNid: number, eventNid: number): StateEntry => ({ typeNid, keyNid, eventNid })

/** What a state must hold, kept the plain way. */
class Model {
  readonly #entries: Map<number, StateEntry>
  constructor(entries: Iterable<[number, StateEntry]> = []) {
    this.#entries = new Map(entries)
  }
  with(changes: readonly StateChange[]): Model {
    const next = new Model(this.#entries)
    for (const { typeNid, keyNid, eventNid } of changes) {
      if (eventNid === null) next.#entries.delete(typeNid * 1000 + keyNid)
      else next.#entries.set(typeNid * 1000 + keyNid, { typeNid, keyNid, eventNid })
    }
    return next
  }
  get list(): StateEntry[] {
    return [...this.#entries.values()].sort((a, b) => a.typeNid - b.typeNid || a.keyNid - b.keyNid)
  }
  differences(other: Model) {
    return [...new Set([...this.#entries.keys(), ...other.#entries.keys()])]
      .sort((a, b) => a - b)
      .map((key) => ({
        typeNid: Math.floor(key / 1000),
        keyNid: key % 1000,
        before: this.#entries.get(key)?.eventNid,
        after: other.#entries.get(key)?.eventNid,
      }))
      .filter(({ before, after }) => before !== after)
  }
}

const changes = fc.array(
  fc.record({
    typeNid: fc.integer({ min: 1, max: 4 }),
    keyNid: fc.integer({ min: 1, max: 150 }),
    eventNid: fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { freq: 4 }),
  }),
  { minLength: 1, maxLength: 60 },
)

withDatabases('shared state', (open, kind) => {
  it('holds what a plain map holds, at every state of every fork, and finds every difference', async () => {
    const db = await open()
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ from: fc.nat(), changes }), { minLength: 2, maxLength: 8 }),
        async (steps) => {
          const states: { nid: number; model: Model }[] = []
          for (const { from, changes } of steps) {
            const base = states[from % Math.max(1, states.length)]
            const nid = await apply(db, base?.nid, changes)
            states.push({ nid, model: (base?.model ?? new Model()).with(changes) })
          }
          for (const { nid, model } of states) expect(await loadState(db, nid)).toEqual(model.list)
          const [first, last] = [states[0], states.at(-1)]
          if (first && last) {
            expect(await diffStates(db, first.nid, last.nid)).toEqual(first.model.differences(last.model))
            expect(await diffStates(db, last.nid, first.nid)).toEqual(last.model.differences(first.model))
          }
        },
      ),
      { numRuns: kind === 'sqlite' ? 100 : 20 },
    )
  })

  it('finds single entries, and several at once', async () => {
    const db = await open()
    const nid = await apply(
      db,
      undefined,
      Array.from({ length: 1000 }, (_, i) => entry(1 + (i % 5), 2 * i, i + 1)),
    )
    expect(await stateEntry(db, nid, 1, 0)).toBe(1)
    expect(await stateEntry(db, nid, 5, 1998)).toBe(1000)
    expect(await stateEntry(db, nid, 5, 1999)).toBeUndefined()
    expect(await stateEntry(db, nid, 0, 0)).toBeUndefined()
    const wanted = [entry(3, 4, 3), entry(9, 9, 0), entry(2, 2, 2), entry(2, 3, 0)]
    expect(await stateEntries(db, nid, wanted)).toEqual([entry(2, 2, 2), entry(3, 4, 3)])
    expect(await stateEntries(db, nid, [])).toEqual([])
  })

  it('loads one type, all but one type, and pages', async () => {
    const db = await open()
    const all = Array.from({ length: 600 }, (_, i) => entry(1 + Math.floor(i / 200), i, i + 1))
    const nid = await apply(db, undefined, all)
    expect(await loadState(db, nid, { onlyType: 2 })).toEqual(all.slice(200, 400))
    expect(await loadState(db, nid, { exceptType: 2 })).toEqual([...all.slice(0, 200), ...all.slice(400)])
    expect(await loadState(db, nid, { limit: 7 })).toEqual(all.slice(0, 7))
    expect(await loadState(db, nid, { after: entry(1, 150, 0), limit: 100 })).toEqual(all.slice(151, 251))
    expect(await loadState(db, nid, { onlyType: 2, after: entry(2, 390, 0), limit: 100 })).toEqual(all.slice(391, 400))
  })

  it('can become empty and full again', async () => {
    const db = await open()
    const all = Array.from({ length: 100 }, (_, i) => entry(1, i, i + 1))
    const full = await apply(db, undefined, all)
    const empty = await apply(
      db,
      full,
      all.map((one) => ({ ...one, eventNid: null })),
    )
    expect(await loadState(db, empty)).toEqual([])
    expect(await loadState(db, await apply(db, empty, all))).toEqual(all)
    expect(await diffStates(db, full, empty)).toHaveLength(100)
    expect(await loadState(db, full)).toEqual(all)
  })

  it('remembers nothing of a transaction that was undone', async () => {
    const db = await open()
    let undone = 0
    await expect(
      transact(db, async (tx) => {
        undone = await applyChanges(tx, undefined, [entry(1, 1, 1)])
        throw new Error('undo')
      }),
    ).rejects.toThrow('undo')
    await expect(loadState(db, undone)).rejects.toThrow()
  })

  it('writes one small row for one change, however large the state', async () => {
    const db = await open()
    const large = await apply(
      db,
      undefined,
      Array.from({ length: 20_000 }, (_, i) => entry(7, i, i + 1)),
    )
    const next = await apply(db, large, [entry(7, 12_345, 30_000)])
    const rows = await rawRows<{ nodes: Uint8Array }>(db, 'select nodes from state where nid > ?', [large])
    expect(rows).toHaveLength(1)
    expect(rows[0]?.nodes.length).toBeLessThan(700)
    expect(await diffStates(db, large, next)).toEqual([{ typeNid: 7, keyNid: 12_345, before: 12_346, after: 30_000 }])
  })
})
