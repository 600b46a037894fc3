import type { StateLookup } from '../../../room/event.ts'
import { stateKeyOf } from '../../../room/state-key.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid } from '../../../storage/rooms/events.ts'
import { stateEntries } from '../../../storage/state/state.ts'
import type { Entry, StateEdit, StateRef } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import type { StateTuple } from './current-state.ts'

/**
 * A state of a room that need not be stored yet, while events are judged: a stored one with some entries changed. Never
 * changes itself. Two views with the same `identity` are the same state.
 */
export interface StateView {
  readonly identity: unknown
  /** The stored state underneath; undefined: an empty one. */
  readonly base: number | undefined
  /** What differs from it, by `stateKeyOf`; null: the entry is absent. */
  readonly overlay: ReadonlyMap<string, StoredEvent | null>
  /** The same as it is to be stored. */
  readonly ref: StateRef
}

const NO_OVERLAY: ReadonlyMap<string, StoredEvent | null> = new Map()

/** A stored state as it is; undefined: the state before the first event. */
export const storedView = (stateNid: number | undefined): StateView => ({
  identity: stateNid,
  base: stateNid,
  overlay: NO_OVERLAY,
  ref: { on: stateNid, edits: [] },
})

export const keyOf = (event: StoredEvent): string => stateKeyOf(event.type, event.stateKey ?? '')

/** The state after an entry of a batch whose state before is `before`. */
export function viewAfter(entry: Entry, before: StateView): StateView {
  const { event } = entry
  const ref = { on: entry, edits: [] }
  if (!event.isState || event.rejected) return { ...before, ref }
  return { identity: entry, base: before.base, overlay: new Map(before.overlay).set(keyOf(event), event), ref }
}

/** The state with some entries changed. */
export function editedView(view: StateView, edits: readonly StateEdit[]): StateView {
  if (edits.length === 0) return view
  const overlay = new Map(view.overlay)
  for (const { event, replaces } of edits) {
    const place = event ?? replaces
    if (place) overlay.set(keyOf(place), event ?? null)
  }
  const ref = { on: view.ref.on, edits: [...view.ref.edits, ...edits] }
  return { identity: ref, base: view.base, overlay, ref }
}

/** Reads entries of views; those of the current state from memory. */
export class ViewReader {
  readonly #db: Db
  readonly #room: LiveRoom

  constructor(db: Db, room: LiveRoom) {
    this.#db = db
    this.#room = room
  }

  /** Loads the entries at these places and answers look-ups of them. */
  async lookup(view: StateView, places: readonly StateTuple[]): Promise<StateLookup<StoredEvent>> {
    const missing = places.filter((place) => !view.overlay.has(stateKeyOf(...place)))
    const below = missing.length === 0 ? NOTHING : await this.#stored(view.base, missing)
    return (type, stateKey) => {
      const over = view.overlay.get(stateKeyOf(type, stateKey))
      return over === undefined ? below(type, stateKey) : (over ?? undefined)
    }
  }

  /** One entry. */
  async event(view: StateView, type: string, stateKey: string): Promise<StoredEvent | undefined> {
    return (await this.lookup(view, [[type, stateKey]]))(type, stateKey)
  }

  async #stored(stateNid: number | undefined, places: readonly StateTuple[]): Promise<StateLookup<StoredEvent>> {
    if (stateNid === undefined) return NOTHING
    if (stateNid === this.#room.stateNid) return this.#room.loadState(places)
    const nids = await nameNids(this.#db, places.flat())
    const keys = places.flatMap(([type, stateKey]) => {
      const [typeNid, keyNid] = [nids.get(type), nids.get(stateKey)]
      return typeNid === undefined || keyNid === undefined ? [] : { typeNid, keyNid }
    })
    if (keys.length === 0) return NOTHING
    const entries = await stateEntries(this.#db, stateNid, keys)
    const found = await loadEvents(
      this.#db,
      entries.map(({ eventNid }) => eventNid),
      this.#room,
    )
    const byKey = new Map([...found.values()].map((event) => [keyOf(event), event]))
    return (type, stateKey) => byKey.get(stateKeyOf(type, stateKey))
  }
}

const NOTHING: StateLookup<StoredEvent> = () => undefined

/** Stored events of a room by their numbers. */
export async function loadEvents(
  db: Db,
  nids: readonly number[],
  room: { roomId: LiveRoom['roomId']; version: RoomVersion },
): Promise<Map<number, StoredEvent>> {
  if (nids.length === 0) return new Map()
  const rows = await eventsByNid(db, nids)
  return new Map(rows.map((row) => [row.nid, new StoredEvent(row, room.roomId, room.version)]))
}
