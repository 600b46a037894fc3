import type { JsonObject } from '../../matrix/json.ts'
import { skimPdu } from '../../room/event.ts'
import type { Db } from '../../storage/db.ts'
import { nameNids } from '../../storage/names.ts'
import { listCurrentStateOfRooms } from '../../storage/rooms/current-state.ts'
import type { Appended } from '../rooms/append.ts'

const MAX_ROOMS = 100_000

/**
 * One thing that the current state says of rooms, such as their type: of many rooms at once, without bringing those
 * rooms into memory. `read` takes it from the content of the state event of this type with the empty key; undefined
 * where there is no such event.
 */
export class RoomFact<T extends string | boolean | null> {
  readonly #type: string
  readonly #db: Db
  readonly #read: (content: JsonObject | undefined) => T
  // A plain map: an LRU cache would take the memory for all of them at the start.
  readonly #known = new Map<number, T>()
  // Counts the changes, so that a slow read never overwrites what is newer.
  #version = 0

  constructor(db: Db, type: string, read: (content: JsonObject | undefined) => T) {
    this.#type = type
    this.#db = db
    this.#read = read
  }

  /** For `Append`: forgets what has changed. */
  onAppended({ room, events, changes }: Appended): void {
    const isConcerned =
      changes.some(({ event, replaces }) => (event ?? replaces)?.type === this.#type) ||
      // One of the redacted events may be the one.
      events.some((event) => event.type === 'm.room.redaction')
    if (!isConcerned) return
    this.#version++
    this.#known.delete(room.nid)
  }

  /** Looks the rooms up together. */
  async of(roomNids: Iterable<number>): Promise<(roomNid: number) => T> {
    const found = new Map<number, T>()
    const missing: number[] = []
    for (const nid of roomNids) {
      const known = this.#known.get(nid)
      if (known === undefined) missing.push(nid)
      else found.set(nid, known)
    }
    if (missing.length > 0) await this.#load(missing, found)
    return (roomNid) => found.get(roomNid) ?? this.#read(undefined)
  }

  async #load(missing: readonly number[], found: Map<number, T>): Promise<void> {
    const version = this.#version
    const names = await nameNids(this.#db, [this.#type, ''])
    const [typeNid, keyNid] = [names.get(this.#type), names.get('')]
    const rows =
      typeNid === undefined || keyNid === undefined
        ? []
        : await listCurrentStateOfRooms(this.#db, missing, { typeNid, keyNid })
    for (const { room_nid, json, redacted_by_nid } of rows) {
      const { content } = skimPdu(json)
      found.set(room_nid, this.#read(redacted_by_nid === null ? content : {}))
    }
    if (version !== this.#version) return
    if (this.#known.size + missing.length > MAX_ROOMS) this.#known.clear()
    for (const nid of missing) this.#known.set(nid, found.get(nid) ?? this.#read(undefined))
  }
}
