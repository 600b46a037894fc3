import type { Db, Tx } from '../db.ts'
import { rawRows } from '../run.ts'

/** One entry of a room's state. */
export interface StateEntry {
  readonly typeNid: number
  readonly keyNid: number
  readonly eventNid: number
}

/** A change of one entry; `null` removes it. */
export interface StateChange {
  readonly typeNid: number
  readonly keyNid: number
  readonly eventNid: number | null
}

interface ChainRow {
  nid: number
  changes: string
}

type Packed = readonly [typeNid: number, keyNid: number, eventNid: number | null]

/** The state that `changes` make of another one (`undefined`: of the empty state); returns its number. */
export async function applyChanges(
  tx: Tx,
  stateNid: number | undefined,
  changes: readonly StateChange[],
): Promise<number> {
  const packed: Packed[] = changes.map(({ typeNid, keyNid, eventNid }) => [typeNid, keyNid, eventNid])
  const [row] = await rawRows<{ nid: number }>(
    tx,
    'insert into state (parent_nid, changes) values (?, ?) returning nid',
    [stateNid ?? null, JSON.stringify(packed)],
  )
  if (!row) throw new Error('The state got no number')
  return row.nid
}

/** The event of one entry. */
export async function stateEntry(
  db: Db,
  stateNid: number,
  typeNid: number,
  keyNid: number,
): Promise<number | undefined> {
  const state = await loadState(db, stateNid)
  return state.find((entry) => entry.typeNid === typeNid && entry.keyNid === keyNid)?.eventNid
}

/** All entries in order of (type, key), or those of one type. */
export async function loadState(db: Db, stateNid: number, typeNid?: number): Promise<StateEntry[]> {
  const rows = await rawRows<ChainRow>(
    db,
    `with recursive chain (nid, parent_nid, changes) as (
       select nid, parent_nid, changes from state where nid = ?
       union all select s.nid, s.parent_nid, s.changes from state s join chain c on s.nid = c.parent_nid)
     select nid, changes from chain order by nid`,
    [stateNid],
  )
  const entries = new Map<string, StateEntry>()
  for (const row of rows) {
    for (const [type, key, event] of JSON.parse(row.changes) as Packed[]) {
      if (event === null) entries.delete(`${type} ${key}`)
      else entries.set(`${type} ${key}`, { typeNid: type, keyNid: key, eventNid: event })
    }
  }
  return [...entries.values()]
    .filter((entry) => typeNid === undefined || entry.typeNid === typeNid)
    .sort((a, b) => a.typeNid - b.typeNid || a.keyNid - b.keyNid)
}

/** An entry in which two states differ. */
export interface StateDifference {
  readonly typeNid: number
  readonly keyNid: number
  readonly before: number | undefined
  readonly after: number | undefined
}

/** The entries in which two states differ, in order of (type, key). */
export async function diffStates(db: Db, before: number, after: number): Promise<StateDifference[]> {
  const found = new Map<string, { typeNid: number; keyNid: number; before?: number; after?: number }>()
  for (const [side, nid] of [
    ['before', before],
    ['after', after],
  ] as const) {
    for (const { typeNid, keyNid, eventNid } of await loadState(db, nid)) {
      const key = `${typeNid} ${keyNid}`
      found.set(key, { ...(found.get(key) ?? { typeNid, keyNid }), [side]: eventNid })
    }
  }
  return [...found.values()]
    .filter((entry) => entry.before !== entry.after)
    .map(({ typeNid, keyNid, before, after }) => ({ typeNid, keyNid, before, after }))
    .sort((a, b) => a.typeNid - b.typeNid || a.keyNid - b.keyNid)
}
