import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { listStrippedStates } from '../../storage/rooms/memberships.ts'
import { lruCache } from '../../util/lru.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { StateReader } from '../sync/state-reader.ts'
import type { RoomOfUser } from '../sync/user-rooms.ts'
import { RequiredState } from './required-state.ts'
import { RoomFact } from './room-fact.ts'

/** What filters look at in rooms. */
export interface Traits {
  /** null: a room of no special type; undefined: the user was not told. */
  readonly roomType: string | null | undefined
  readonly isEncrypted: boolean | undefined
  /** Folded, to be searched in. */
  readonly name: string | null | undefined
}

interface FactOf<T> {
  of(roomNids: Iterable<number>): Promise<(roomNid: number) => T>
}

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  readonly state: StateReader
  readonly visibility: Visibility
}

/** Pairs of a user and a room that the user is not joined to. */
const MAX_CACHED = 5_000
/** Names are found by their beginning: an event may hold one of 64 KiB, which takes 2 ms to fold. */
const MAX_NAME = 255
const UNTOLD: Traits = { roomType: undefined, isEncrypted: undefined, name: undefined }
const CREATE = 'm.room.create'
const ENCRYPTION = 'm.room.encryption'
const NAME = 'm.room.name'
const LOOKED_AT = new RequiredState([
  { include: [CREATE, ENCRYPTION, NAME].map((type) => [type, '']), exclude: [], lazyMembers: false },
])

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)

const foldedName = (content: JsonObject | undefined): string | undefined => {
  const name = text(content?.name)
  return name === undefined ? undefined : folded(name.slice(0, MAX_NAME))
}

/** As names are compared. */
export const folded = (name: string): string => name.normalize('NFKC').toLowerCase()

/**
 * The traits of rooms as a user may know them: of joined rooms the current ones, of rooms that were left those of that
 * moment, of rooms to which the user was invited what the invite says.
 */
export class RoomTraits {
  readonly #deps: Deps
  readonly #roomType: RoomFact<string | null>
  readonly #isEncrypted: RoomFact<boolean>
  readonly #name: RoomFact<string | null>
  readonly #ofOthers = lruCache<string, Traits>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
    this.#roomType = new RoomFact(deps.db, CREATE, (content) => text(content?.type) ?? null)
    this.#isEncrypted = new RoomFact(deps.db, ENCRYPTION, (content) => content !== undefined)
    this.#name = new RoomFact(deps.db, NAME, (content) => foldedName(content) ?? null)
  }

  /** For `Append`: what changed in a room. */
  onAppended(appended: Appended): void {
    for (const fact of [this.#roomType, this.#isEncrypted, this.#name]) fact.onAppended(appended)
  }

  roomTypes(viewer: Viewer, rooms: readonly RoomOfUser[]): Promise<(mine: RoomOfUser) => string | null | undefined> {
    return this.#look(viewer, rooms, this.#roomType, 'roomType')
  }

  encryptions(viewer: Viewer, rooms: readonly RoomOfUser[]): Promise<(mine: RoomOfUser) => boolean | undefined> {
    return this.#look(viewer, rooms, this.#isEncrypted, 'isEncrypted')
  }

  names(viewer: Viewer, rooms: readonly RoomOfUser[]): Promise<(mine: RoomOfUser) => string | null | undefined> {
    return this.#look(viewer, rooms, this.#name, 'name')
  }

  async #look<Name extends keyof Traits>(
    viewer: Viewer,
    rooms: readonly RoomOfUser[],
    fact: FactOf<Traits[Name]>,
    name: Name,
  ): Promise<(mine: RoomOfUser) => Traits[Name]> {
    const joined = rooms.filter(({ membership }) => membership === 'join')
    const ofJoined = await fact.of(joined.map(({ roomNid }) => roomNid))
    const others = rooms.length === joined.length ? undefined : await this.#others(viewer, rooms)
    return (mine) => (mine.membership === 'join' ? ofJoined(mine.roomNid) : (others?.get(mine.roomNid) ?? UNTOLD)[name])
  }

  async #others(viewer: Viewer, rooms: readonly RoomOfUser[]): Promise<Map<number, Traits>> {
    const found = new Map<number, Traits>()
    const keyOf = ({ roomNid, pos }: RoomOfUser) => `${viewer.userNid} ${roomNid} ${pos}`
    const missing: RoomOfUser[] = []
    for (const mine of rooms) {
      if (mine.membership === 'join') continue
      const known = this.#ofOthers.get(keyOf(mine))
      if (known) found.set(mine.roomNid, known)
      else missing.push(mine)
    }
    const told = missing.filter(({ membership }) => membership === 'invite' || membership === 'knock')
    const stripped = await listStrippedStates(
      this.#deps.db,
      viewer.userNid,
      told.map(({ roomNid }) => roomNid),
    )
    for (const mine of missing) {
      const events = stripped.get(mine.roomNid)
      const traits = told.includes(mine)
        ? traitsOf(strippedContents(events ?? '[]'))
        : await this.#atLeaving(viewer, mine)
      found.set(mine.roomNid, traits)
      this.#ofOthers.set(keyOf(mine), traits)
    }
    return found
  }

  async #atLeaving(viewer: Viewer, { roomId, pos }: RoomOfUser): Promise<Traits> {
    const { rooms, state, visibility } = this.#deps
    const room = await rooms.find(roomId)
    if (!room) return UNTOLD
    const { joinedUntil } = await visibility.standing(room, viewer)
    if (!(joinedUntil > 0)) return UNTOLD
    const events = await state.selected(room, Math.min(pos, joinedUntil), LOOKED_AT)
    return traitsOf(new Map(events.map((event) => [event.type, event.visible.content])))
  }
}

function traitsOf(contents: ReadonlyMap<string, JsonObject>): Traits {
  const create = contents.get(CREATE)
  // Without the create event nothing is known about what is not there either.
  if (!create) return { ...UNTOLD, name: foldedName(contents.get(NAME)) }
  return {
    roomType: text(create.type) ?? null,
    isEncrypted: contents.has(ENCRYPTION),
    name: foldedName(contents.get(NAME)),
  }
}

function strippedContents(json: string): Map<string, JsonObject> {
  const events: unknown = JSON.parse(json)
  const contents = new Map<string, JsonObject>()
  for (const event of Array.isArray(events) ? events : []) {
    if (isObject(event) && typeof event.type === 'string' && isObject(event.content) && event.state_key === '') {
      contents.set(event.type, event.content)
    }
  }
  return contents
}
