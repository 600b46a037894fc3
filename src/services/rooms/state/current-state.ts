import type { RoomId } from '../../../matrix/ids.ts'
import type { StateLookup } from '../../../room/event.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listCurrentStateAt } from '../../../storage/rooms/current-state.ts'
import type { StateEdit } from '../entry.ts'
import { StoredEvent } from '../stored-event.ts'

/** Entries kept for a room; a large room's members come and go. */
const MAX_ENTRIES = 2_000

export type StateTuple = readonly [type: string, stateKey: string]

/** One text for a place in a state: no type can hold a NUL. */
export const stateKeyOf = (type: string, stateKey: string): string => `${type}\u0000${stateKey}`

interface Room {
  nid: number
  roomId: RoomId
  version: RoomVersion
}

/** A room's current state, as far as it was asked for. */
export class CurrentState {
  readonly #db: Db
  readonly #room: Room
  // null: known to be absent.
  readonly #entries = new Map<string, StoredEvent | null>()
  // Counts the changes of the state, so that a slow read never overwrites a newer entry.
  #version = 0

  constructor(db: Db, room: Room) {
    this.#db = db
    this.#room = room
  }

  get size(): number {
    return this.#entries.size
  }

  /** What memory knows: null is a place without an event, undefined one that has to be loaded. */
  peek(type: string, stateKey: string): StoredEvent | null | undefined {
    return this.#entries.get(stateKeyOf(type, stateKey))
  }

  /** Loads the entries at these places, those that memory does not have yet, and answers look-ups of them. */
  async load(places: Iterable<StateTuple>): Promise<StateLookup<StoredEvent>> {
    const found = new Map<string, StoredEvent | null>()
    const missing: StateTuple[] = []
    for (const place of places) {
      const key = stateKeyOf(place[0], place[1])
      if (found.has(key)) continue
      const known = this.#entries.get(key)
      found.set(key, known ?? null)
      if (known === undefined) missing.push(place)
    }
    if (missing.length > 0) await this.#read(missing, found)
    return (type, stateKey) => found.get(stateKeyOf(type, stateKey)) ?? undefined
  }

  async #read(missing: readonly StateTuple[], found: Map<string, StoredEvent | null>): Promise<void> {
    const version = this.#version
    const nids = await nameNids(this.#db, missing.flat())
    const keys = missing.flatMap(([type, stateKey]) => {
      const [typeNid, keyNid] = [nids.get(type), nids.get(stateKey)]
      return typeNid === undefined || keyNid === undefined ? [] : [{ typeNid, keyNid }]
    })
    const rows = keys.length === 0 ? [] : await listCurrentStateAt(this.#db, this.#room.nid, keys)
    for (const row of rows) {
      const event = new StoredEvent(row, this.#room.roomId, this.#room.version)
      found.set(stateKeyOf(event.type, event.stateKey ?? ''), event)
    }
    // A change that was announced during the read knows better.
    if (version !== this.#version) return
    if (this.#entries.size >= MAX_ENTRIES) this.#entries.clear()
    for (const [type, stateKey] of missing) {
      const key = stateKeyOf(type, stateKey)
      this.#entries.set(key, found.get(key) ?? null)
    }
  }

  /** For the room alone, after the commit. */
  apply({ event, replaces }: StateEdit): void {
    this.#version++
    const place = event ?? replaces
    if (place) this.#entries.set(stateKeyOf(place.type, place.stateKey ?? ''), event ?? null)
  }

  /** The same, of an entry that nobody may ever ask for: it is read when somebody does. */
  forget({ event, replaces }: StateEdit): void {
    this.#version++
    const place = event ?? replaces
    if (place) this.#entries.delete(stateKeyOf(place.type, place.stateKey ?? ''))
  }

  /** Replaces an event that has been redacted. */
  applyRedaction(target: StoredEvent, redactionNid: number): void {
    if (!target.isState) return
    const key = stateKeyOf(target.type, target.stateKey ?? '')
    const shown = this.#entries.get(key)
    this.#version++
    if (shown?.eventId === target.eventId) this.#entries.set(key, shown.redactedBy(redactionNid))
  }
}
