import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { authorize } from '../src/room/auth/authorize.ts'
import { authEventIds, isState, type Pdu, prevEventIds } from '../src/room/event.ts'
import type { GraphEvent } from '../src/room/resolve/known.ts'
import { stateKeyOf } from '../src/room/state-key.ts'
import { type RoomVersion, roomVersion } from '../src/room/versions.ts'
import { resolveInMemory } from '../test/support/resolve-in-memory.ts'

/**
 * Runs state resolution over a folder of cases: `npm run vectors -- <folder>`. Prints a line for each case and
 * exits with 1 if one comes out otherwise than expected. A case is a JSON file:
 * - `kind: 'batches'`: lists of PDUs. Resolved event by event along prev_events, batch by batch (each event of a batch
 *   and what came of the batches before as one fork each) and all at once.
 * - `kind: 'state_sets'`: `pdus` and lists of event ids, each the state of a fork.
 * `expected` lists type, state_key and event_id of the resolved state. Event ids are symbolic.
 */
type Case = { name: string; expected: Entry[] } & (
  | { kind: 'batches'; batches: VectorPdu[][] }
  | { kind: 'state_sets'; pdus: VectorPdu[]; state_sets: string[][] }
)
type VectorPdu = Pdu & { event_id: string }
type State = Map<string, GraphEvent>
interface Entry {
  type: string
  state_key: string
  event_id: string
}

/** The events of a case, numbered along auth edges. */
class Room {
  readonly events: GraphEvent[] = []
  readonly version: RoomVersion
  readonly #byId = new Map<string, GraphEvent>()
  readonly #pdus: Map<string, VectorPdu>

  constructor(pdus: VectorPdu[]) {
    this.#pdus = new Map(pdus.map((pdu) => [pdu.event_id, pdu]))
    for (const { event_id: id } of pdus) this.event(id)
    const named = this.create.pdu.content.room_version ?? '1'
    const version = typeof named === 'string' ? roomVersion(named) : undefined
    if (!version) throw new Error('The room version is unknown')
    this.version = version
  }

  get create(): GraphEvent {
    const create = this.events.find(({ pdu }) => pdu.type === 'm.room.create')
    if (!create) throw new Error('There is no create event')
    return create
  }

  event(id: string): GraphEvent {
    const known = this.#byId.get(id)
    if (known) return known
    const pdu = this.#pdus.get(id)
    if (!pdu) throw new Error(`There is no event ${id}`)
    const auth = authEventIds(pdu).map((authId) => this.event(authId))
    const event: GraphEvent = {
      eventId: id,
      pdu,
      nid: this.events.length,
      authNids: auth.map(({ nid }) => nid),
      authRank: 1 + Math.max(0, ...auth.map(({ authRank }) => authRank)),
    }
    this.events.push(event)
    this.#byId.set(id, event)
    return event
  }

  resolve(states: State[]): State {
    if (states.length < 2) return states[0] ?? new Map()
    return resolveInMemory(states, { events: this.events, create: this.create, version: this.version })
  }

  /** What events are as states: each a fork that has nothing else. */
  forksOf(pdus: VectorPdu[]): State[] {
    return pdus.map(({ event_id: id }) => withEvent(new Map(), this.event(id)))
  }

  /** The state after all events, each of them admitted if the state before it allows it. */
  alongPrevEvents(): State {
    const after = new Map<string, State>()
    const stateAfter = (id: string): State => {
      const known = after.get(id)
      if (known) return known
      const event = this.event(id)
      const before = this.resolve(prevEventIds(event.pdu).map(stateAfter))
      const refused = authorize(event, (type, key) => before.get(stateKeyOf(type, key)), this.version)
      const state = refused === undefined ? withEvent(before, event) : before
      after.set(id, state)
      return state
    }
    const cited = new Set(this.events.flatMap(({ pdu }) => prevEventIds(pdu)))
    return this.resolve(
      this.events.filter(({ eventId }) => !cited.has(eventId)).map(({ eventId }) => stateAfter(eventId)),
    )
  }
}

function withEvent(state: State, event: GraphEvent): State {
  return isState(event.pdu) ? new Map(state).set(stateKeyOf(event.pdu.type, event.pdu.state_key), event) : state
}

function resolutions(vector: Case): [way: string, state: State][] {
  if (vector.kind === 'state_sets') {
    const room = new Room(vector.pdus)
    const states = vector.state_sets.map((ids) => ids.map((id) => room.event(id)).reduce(withEvent, new Map()))
    return [['state sets', room.resolve(states)]]
  }
  const room = new Room(vector.batches.flat())
  const batchByBatch = vector.batches.reduce<State | undefined>(
    (state, batch) => room.resolve([...(state ? [state] : []), ...room.forksOf(batch)]),
    undefined,
  )
  return [
    ['event by event', room.alongPrevEvents()],
    ['batch by batch', batchByBatch ?? new Map()],
    ['all at once', room.resolve(room.forksOf(vector.batches.flat()))],
  ]
}

const sorted = (entries: Entry[]): string[] =>
  entries.map(({ type, state_key: key, event_id: id }) => `${type} '${key}' ${id}`).sort()

const entriesOf = (state: State): Entry[] =>
  [...state.values()].map(({ pdu, eventId }) => ({ type: pdu.type, state_key: pdu.state_key ?? '', event_id: eventId }))

/** The lines that tell where a case comes out otherwise than expected. */
function differences(vector: Case): string[] {
  const expected = sorted(vector.expected)
  return resolutions(vector).flatMap(([way, state]) => {
    const actual = sorted(entriesOf(state))
    return [
      ...expected.filter((entry) => !actual.includes(entry)).map((entry) => `${way}: missing ${entry}`),
      ...actual.filter((entry) => !expected.includes(entry)).map((entry) => `${way}: unexpected ${entry}`),
    ]
  })
}

function run(folder: string): boolean {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  if (files.length === 0) throw new Error(`There are no cases in ${folder}`)
  let isAllRight = true
  for (const file of files.sort()) {
    const vector: Case = JSON.parse(readFileSync(join(folder, file), 'utf8'))
    const found = differences(vector)
    if (found.length > 0) isAllRight = false
    const lines = [`${found.length === 0 ? 'ok  ' : 'FAIL'} ${vector.name}`, ...found.map((line) => `     ${line}`)]
    process.stdout.write(`${lines.join('\n')}\n`)
  }
  return isAllRight
}

const [folder] = process.argv.slice(2)
if (folder === undefined || !existsSync(folder)) {
  process.stderr.write(`${folder === undefined ? '' : `${folder} is not there. `}Usage: npm run vectors -- <folder>\n`)
  process.exitCode = 2
} else if (!run(folder)) process.exitCode = 1
