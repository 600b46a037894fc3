import type { DirectRooms } from '../account-data/direct-rooms.ts'
import type { TaggedRooms } from '../account-data/tagged-rooms.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { RoomOfUser, RoomsOfUser } from '../sync/user-rooms.ts'
import type { RoomFilter } from './request.ts'
import { folded, type RoomTraits } from './room-traits.ts'
import type { SpaceChildren } from './space-children.ts'

interface Deps {
  readonly rooms: LiveRooms
  readonly traits: RoomTraits
  readonly directRooms: DirectRooms
  readonly taggedRooms: TaggedRooms
  readonly spaceChildren: SpaceChildren
}

type Admits = (mine: RoomOfUser) => boolean

/** Applies the filters of lists (MSC4186: SlidingRoomFilter). What costs most looks at what the others have left. */
export class RoomFilters {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Those of the rooms that the filter lets through, in their order. */
  async apply(
    filter: RoomFilter,
    rooms: readonly RoomOfUser[],
    all: RoomsOfUser,
    viewer: Viewer,
  ): Promise<readonly RoomOfUser[]> {
    const { isInvited, isDm, tags, notTags, spaces, roomTypes, notRoomTypes, isEncrypted, nameLike } = filter
    let left = rooms
    const keep = (admits: Admits) => {
      left = left.filter(admits)
    }
    if (isInvited !== undefined) keep(({ membership }) => (membership === 'invite') === isInvited)
    if (isDm !== undefined) {
      const direct = await this.#deps.directRooms.of(viewer)
      keep(({ roomId }) => direct.has(roomId) === isDm)
    }
    if (tags || notTags) keep(await this.#byTags(viewer, tags, notTags))
    if (spaces) {
      const children = await this.#childrenOf(spaces, all)
      keep(({ roomId }) => children.has(roomId))
    }
    if (roomTypes || notRoomTypes) {
      const typeOf = await this.#deps.traits.roomTypes(viewer, left)
      keep((mine) => {
        const type = typeOf(mine)
        return type !== undefined && (roomTypes?.includes(type) ?? true) && !notRoomTypes?.includes(type)
      })
    }
    if (isEncrypted !== undefined) {
      const encryptionOf = await this.#deps.traits.encryptions(viewer, left)
      keep((mine) => encryptionOf(mine) === isEncrypted)
    }
    if (nameLike !== undefined) {
      const nameOf = await this.#deps.traits.names(viewer, left)
      const wanted = folded(nameLike)
      keep((mine) => nameOf(mine)?.includes(wanted) ?? wanted === '')
    }
    return left
  }

  async #byTags(viewer: Viewer, tags: RoomFilter['tags'], notTags: RoomFilter['notTags']): Promise<Admits> {
    const tagsOf = await this.#deps.taggedRooms.of(viewer)
    return ({ roomNid }) => {
      const has = tagsOf(roomNid)
      return (tags?.some((tag) => has.has(tag)) ?? true) && !notTags?.some((tag) => has.has(tag))
    }
  }

  /** The children of those of the spaces that the user is joined to; what they have below them is not looked at. */
  async #childrenOf(spaces: readonly string[], all: RoomsOfUser): Promise<ReadonlySet<string>> {
    const children = new Set<string>()
    for (const spaceId of new Set(spaces)) {
      const mine = all.get(spaceId as RoomOfUser['roomId'])
      const space = mine?.membership === 'join' ? await this.#deps.rooms.find(spaceId) : undefined
      if (space) for (const child of await this.#deps.spaceChildren.of(space)) children.add(child)
    }
    return children
  }
}
