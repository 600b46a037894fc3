import type { RoomEvent } from '../../../room/event.ts'
import { type AuthNode, type GraphEvent, Known, type Need } from '../../../room/resolve/known.ts'
import { resolve } from '../../../room/resolve/resolve.ts'
import { placeOfKey, stateKeyOf } from '../../../room/state-key.ts'
import type { Db } from '../../../storage/db.ts'
import { listEventNodes } from '../../../storage/rooms/events.ts'
import { loadState, stateEntries } from '../../../storage/state/state.ts'
import { Turn } from '../../../util/turn.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StoredEvent } from '../stored-event.ts'
import { keyOf, loadEvents, type StateView, storedView, ViewReader } from './state-view.ts'
import { isUnsaved, type Unsaved } from './unsaved.ts'

export interface ResolveDeps {
  readonly db: Db
  readonly room: LiveRoom
  readonly unsaved: Unsaved
}

/** Where views differ: of each key (`stateKeyOf`) the event that each of them has. */
export type Differences = ReadonlyMap<string, readonly (StoredEvent | undefined)[]>

/** One run of the resolver (room/resolve): answers its needs from tables and from the batch. */
export class Resolution {
  readonly #deps: ResolveDeps
  readonly #first: StateView
  readonly #differences: Differences
  readonly #reader: ViewReader
  readonly #events = new Map<number, StoredEvent>()
  readonly #views: readonly StateView[]

  constructor(deps: ResolveDeps, views: readonly StateView[], differences: Differences) {
    this.#deps = deps
    this.#views = views
    this.#first = views[0] as StateView
    this.#differences = differences
    this.#reader = new ViewReader(deps.db, deps.room)
  }

  /** What the resolved state has where the views differ, and at keys that none of them has. */
  async run(): Promise<Map<string, StoredEvent>> {
    const { room, unsaved } = this.#deps
    const create = await this.#create()
    const forks = this.#views.map((_, index) =>
      [...this.#differences.values()].flatMap((values) => {
        const event = values[index]
        return event ? this.#remember(event).nid : []
      }),
    )
    const known = new Known()
    known.addEvents([...this.#events.values()].map((event) => unsaved.graphEvent(event)))
    const turn = new Turn()
    const resolution = resolve({ forks, create }, known, room.version)
    let step = resolution.next()
    for (; !step.done; step = resolution.next()) {
      await this.#load(step.value, known)
      if (turn.isOver) await turn.give()
    }
    const result = new Map<string, StoredEvent>()
    for (const { nid } of step.value) {
      const event = this.#events.get(nid)
      if (!event) throw new Error(`State resolution chose event ${nid}, which it was not given`)
      result.set(keyOf(event), event)
    }
    return result
  }

  async #create(): Promise<RoomEvent> {
    const key = stateKeyOf('m.room.create', '')
    const conflicted = this.#differences.get(key)?.find((event) => event !== undefined)
    const create = conflicted ?? (await this.#reader.event(this.#first, 'm.room.create', ''))
    if (!create) throw new Error('A room without a create event cannot be resolved')
    return create
  }

  #remember(event: StoredEvent): GraphEvent {
    const graph = this.#deps.unsaved.graphEvent(event)
    this.#events.set(graph.nid, event)
    return graph
  }

  #load(need: Need, known: Known): Promise<void> {
    switch (need.kind) {
      case 'nodes':
        return this.#loadNodes(need.nids, known)
      case 'unconflicted':
        return this.#loadUnconflicted(need.aboveNid, known)
      case 'events':
        return this.#loadEvents(need.nids, known)
      case 'state':
        return this.#loadState(need.keys, known)
    }
  }

  async #loadNodes(nids: readonly number[], known: Known): Promise<void> {
    const { db, unsaved } = this.#deps
    const stored: number[] = []
    for (const nid of nids) {
      const event = isUnsaved(nid) ? unsaved.event(nid) : undefined
      if (!event) {
        stored.push(nid)
        continue
      }
      const graph = this.#remember(event)
      const isUnconflicted = !this.#differences.has(keyOf(event)) && this.#isInOverlay(event)
      known.addNodes([{ nid, authNids: graph.authNids, authRank: graph.authRank, isUnconflicted }])
    }
    const rows = await listEventNodes(db, stored)
    const places = rows.flatMap((row) => (row.key_nid === null ? [] : { typeNid: row.type_nid, keyNid: row.key_nid }))
    const base = this.#first.base
    const entries = base === undefined || places.length === 0 ? [] : await stateEntries(db, base, places)
    const inState = new Set(entries.map(({ eventNid }) => eventNid))
    const covered = await this.#coveredNids()
    known.addNodes(
      rows.map(
        (row): AuthNode => ({
          nid: row.nid,
          authNids: JSON.parse(row.auth) as number[],
          authRank: row.auth_rank,
          isUnconflicted: inState.has(row.nid) ? !covered.has(row.nid) : this.#overlayNids().has(row.nid),
        }),
      ),
    )
  }

  /** Entries of the first stored state that are conflicted, or replaced by what lies over it. */
  async #coveredNids(): Promise<ReadonlySet<number>> {
    if (this.#covered) return this.#covered
    const { base, overlay } = this.#first
    const places = [...overlay.keys()].map(placeOfKey)
    const below = await this.#reader.lookup(storedView(base), places)
    const replaced = places.flatMap((place) => below(...place)?.nid ?? [])
    const conflicted = [...this.#differences.values()].flatMap((values) => values.flatMap((event) => event?.nid ?? []))
    this.#covered = new Set([...replaced, ...conflicted])
    return this.#covered
  }
  #covered: ReadonlySet<number> | undefined

  /** Stored events that lie over the first state and are in all of them. */
  #overlayNids(): Set<number> {
    this.#over ??= new Set(
      [...this.#first.overlay].flatMap(([key, event]) => (event && !this.#differences.has(key) ? event.nid : [])),
    )
    return this.#over
  }
  #over: Set<number> | undefined

  #isInOverlay(event: StoredEvent): boolean {
    return this.#first.overlay.get(keyOf(event)) === event
  }

  async #loadUnconflicted(aboveNid: number, known: Known): Promise<void> {
    const { db, unsaved } = this.#deps
    const { base, overlay } = this.#first
    const entries = base === undefined ? [] : await loadState(db, base)
    const newer = entries.flatMap(({ eventNid }) => (eventNid > aboveNid ? eventNid : []))
    const events = await loadEvents(db, newer, this.#deps.room)
    const nodes: AuthNode[] = []
    const add = (event: StoredEvent) => {
      const { nid, authNids, authRank } = unsaved.graphEvent(event)
      if (nid > aboveNid) nodes.push({ nid, authNids, authRank, isUnconflicted: true })
    }
    for (const event of events.values()) {
      const key = keyOf(event)
      if (!overlay.has(key) && !this.#differences.has(key)) add(event)
    }
    for (const [key, event] of overlay) if (event && !this.#differences.has(key)) add(event)
    known.addUnconflicted(nodes)
  }

  async #loadEvents(nids: readonly number[], known: Known): Promise<void> {
    const { db, room, unsaved } = this.#deps
    const stored: number[] = []
    for (const nid of nids) {
      const event = unsaved.event(nid) ?? this.#events.get(nid)
      if (event) known.addEvents([this.#remember(event)])
      else stored.push(nid)
    }
    for (const event of (await loadEvents(db, stored, room)).values()) known.addEvents([this.#remember(event)])
  }

  async #loadState(keys: readonly (readonly [string, string])[], known: Known): Promise<void> {
    const lookup = await this.#reader.lookup(this.#first, keys)
    for (const [type, stateKey] of keys) {
      const event = lookup(type, stateKey)
      known.addState(type, stateKey, event && this.#remember(event))
    }
  }
}
