import { invalidParam } from '../../../matrix/errors.ts'
import type { Db } from '../../../storage/db.ts'
import { listPublished } from '../../../storage/rooms/directory.ts'
import { filterInTurns, Turn } from '../../../util/turn.ts'
import type { Appended } from '../append.ts'
import { loadPublicRooms, type PublicRoom, SHOWN_TYPES } from './public-room.ts'
import { finderOf } from './public-room-search.ts'

export interface PublicRoomsQuery {
  limit?: number | undefined
  since?: string | undefined
  search?: string | undefined
  /** Wanted room types; null stands for ordinary rooms. */
  roomTypes?: (string | null)[] | undefined
  /** The directory of this network, by its instance id, rather than the server's own. */
  network?: string | undefined
  /** The server's own directory and those of all networks. */
  includesAllNetworks?: boolean | undefined
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500
/** Rooms that are read at once. */
const CHUNK = 200

const SHOWN: ReadonlySet<string> = new Set([...SHOWN_TYPES, 'm.room.member'])

/**
 * The published rooms (spec: client-server API, publicRooms), in memory, because every search looks at all of them. A
 * change only marks its room: it is read again when somebody asks next.
 */
export class PublicRooms {
  readonly #db: Db
  readonly #isService: (id: string) => boolean
  readonly #rooms = new Map<number, PublicRoom>()
  readonly #stale = new Set<number>()
  #reading = new Set<number>()
  #sorted: readonly PublicRoom[] = []
  #refreshing: Promise<void> = Promise.resolve()
  #isListed = false

  /** `isService`: whether there is an application service with this id. */
  constructor(db: Db, isService: (id: string) => boolean) {
    this.#db = db
    this.#isService = isService
  }

  /** A room was listed or taken off the list. */
  onPublished(roomNid: number): void {
    this.#stale.add(roomNid)
  }

  onAppended({ room, changes }: Appended): void {
    if (!this.#rooms.has(room.nid) && !this.#reading.has(room.nid)) return
    if (changes.some(({ event, replaces }) => SHOWN.has((event ?? replaces)?.type ?? ''))) this.#stale.add(room.nid)
  }

  /** A page of the list, largest rooms first. `since` is the offset in the list. */
  async list(query: PublicRoomsQuery): Promise<Record<string, unknown>> {
    const offset = query.since === undefined ? 0 : Number(query.since)
    if (!Number.isSafeInteger(offset) || offset < 0) throw invalidParam('Not a token of this server')
    const limit = Math.min(query.limit || DEFAULT_LIMIT, MAX_LIMIT)
    await this.#refresh()
    const found = await search(this.#sorted, query)
    const end = offset + limit
    return {
      chunk: found.slice(offset, end).map((room) => room.entry),
      total_room_count_estimate: found.length,
      ...(end < found.length && { next_batch: String(end) }),
      ...(offset > 0 && { prev_batch: String(Math.max(0, offset - limit)) }),
    }
  }

  /** Reads what changed, one request after the other: whoever asks later finds it done. */
  #refresh(): Promise<void> {
    this.#refreshing = this.#refreshing.catch(() => {}).then(() => this.#readStale())
    return this.#refreshing
  }

  async #readStale(): Promise<void> {
    if (!this.#isListed) {
      for (const nid of await listPublished(this.#db)) this.#stale.add(nid)
      this.#isListed = true
    }
    if (this.#stale.size === 0) return
    const turn = new Turn()
    while (this.#stale.size > 0) {
      const nids: number[] = []
      for (const nid of this.#stale) {
        if (nids.push(nid) === CHUNK) break
      }
      // A change during the read marks its room again.
      for (const nid of nids) this.#stale.delete(nid)
      await this.#read(nids)
      if (turn.isOver) await turn.give()
    }
    this.#sorted = [...this.#rooms.values()].sort((a, b) => b.joined - a.joined || a.nid - b.nid)
  }

  async #read(nids: readonly number[]): Promise<void> {
    this.#reading = new Set(nids)
    try {
      const rooms = await loadPublicRooms(this.#db, nids, this.#isService)
      for (const nid of nids) {
        const room = rooms.get(nid)
        if (room) this.#rooms.set(nid, room)
        else this.#rooms.delete(nid)
      }
    } catch (error) {
      for (const nid of nids) this.#stale.add(nid)
      throw error
    } finally {
      this.#reading.clear()
    }
  }
}

function search(rooms: readonly PublicRoom[], query: PublicRoomsQuery): Promise<readonly PublicRoom[]> {
  const { search: term, roomTypes, network, includesAllNetworks } = query
  const isWanted = term?.trim() ? finderOf(term) : undefined
  const isIn = (room: PublicRoom) => (network === undefined ? room.isPublic : room.networks.includes(network))
  return filterInTurns(
    rooms,
    (room) =>
      (includesAllNetworks || isIn(room)) &&
      (!roomTypes || roomTypes.includes(room.type)) &&
      (!isWanted || isWanted(room.searched)),
  )
}
