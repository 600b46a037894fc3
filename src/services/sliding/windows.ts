import { lruCache } from '../../util/lru.ts'
import { Turn } from '../../util/turn.ts'
import type { InviteRules } from '../account-data/invite-rules.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { RoomOfUser } from '../sync/user-rooms.ts'
import { type SentRooms, toldUpTo } from './connection.ts'
import type { ListConfig, RoomConfig, SlidingContext, WantedRoom } from './request.ts'
import type { RoomActivity } from './room-activity.ts'
import type { RoomFilters } from './room-filters.ts'

interface Deps {
  readonly rooms: LiveRooms
  readonly visibility: Visibility
  readonly inviteRules: InviteRules
  readonly activity: RoomActivity
  readonly filters: RoomFilters
}

const MAX_CACHED = 5_000

/** What the rules of a request have found. */
export interface Windows {
  /** How many rooms each list has, in its window and beyond. */
  readonly counts: ReadonlyMap<string, number>
  /** The rooms that match a rule, by number. */
  readonly wanted: ReadonlyMap<number, WantedRoom>
  /** When something last happened in a room that the user may know of. */
  readonly lastPos: (mine: RoomOfUser) => number
}

/**
 * Finds the rooms that a request is about (MSC4186: Lists and subscriptions). A user's rooms stand in the order of what
 * happened last in them; of each only one number is looked at, unless a filter asks for more.
 */
export class RoomWindows {
  readonly #deps: Deps
  // Whether users were in rooms that they are out of, by the change that says so.
  readonly #members = lruCache<string, boolean>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  async of(context: SlidingContext, sent: SentRooms): Promise<Windows> {
    const { request, rooms, viewer } = context
    const joined = [...rooms.values()].filter(({ membership }) => membership === 'join')
    const activity = await this.#deps.activity.of(joined.map(({ roomNid }) => roomNid))
    const lastPos = (mine: RoomOfUser) => (mine.membership === 'join' ? (activity.get(mine.roomNid) ?? 0) : mine.pos)
    const counts = new Map<string, number>()
    const wanted = new Map<number, WantedRoom>()
    const turn = new Turn()
    if (request.lists.size > 0) {
      const sequence = newestFirst(await this.#sequence(context, sent), lastPos)
      for (const [name, list] of request.lists) {
        const { filter } = list
        const found = filter ? await this.#deps.filters.apply(filter, sequence, rooms, viewer) : sequence
        counts.set(name, found.length)
        for (const mine of inRanges(found, list)) {
          add(wanted, mine, list, name)
          if (turn.isOver) await turn.give()
        }
        if (turn.isOver) await turn.give()
      }
    }
    for (const [roomId, config] of request.subscriptions) {
      const mine = rooms.get(roomId as RoomOfUser['roomId'])
      if (mine && (await this.#mayFollow(context, mine, sent))) add(wanted, mine, config)
    }
    return { counts, wanted, lastPos }
  }

  /** The rooms that lists are made of, in no order. */
  async #sequence(context: SlidingContext, sent: SentRooms): Promise<RoomOfUser[]> {
    const sequence: RoomOfUser[] = []
    for (const mine of context.rooms.values()) {
      if (mine.membership === 'join' || (await this.#isListed(context, mine, sent))) sequence.push(mine)
    }
    return sequence
  }

  /**
   * Rooms that the user has left are listed until the client was told so; those that the user was put out of stay, so
   * that it is noticed.
   */
  async #isListed(context: SlidingContext, mine: RoomOfUser, sent: SentRooms): Promise<boolean> {
    const { viewer } = context
    if (mine.membership === 'knock') return true
    if (mine.membership === 'invite') return !(await this.#deps.inviteRules.hides(viewer.userId, mine.senderId))
    if (isNewToClient(context, mine, sent)) return true
    return mine.senderId !== viewer.userId && !mine.forgotten && (await this.#wasMember(mine, viewer))
  }

  /** Whoever is or was in the room, or is invited, may subscribe to it. */
  async #mayFollow(context: SlidingContext, mine: RoomOfUser, sent: SentRooms): Promise<boolean> {
    if (mine.membership === 'join' || (await this.#isListed(context, mine, sent))) return true
    return mine.membership !== 'invite' && !mine.forgotten && (await this.#wasMember(mine, context.viewer))
  }

  async #wasMember({ roomId, roomNid, pos }: RoomOfUser, viewer: Viewer): Promise<boolean> {
    const key = `${viewer.userNid} ${roomNid} ${pos}`
    const known = this.#members.get(key)
    if (known !== undefined) return known
    const room = await this.#deps.rooms.find(roomId)
    const wasMember = room !== undefined && (await this.#deps.visibility.standing(room, viewer)).joinedUntil > 0
    this.#members.set(key, wasMember)
    return wasMember
  }
}

/** The client has the room, and was not told yet how the user stands to it now. */
function isNewToClient({ from }: SlidingContext, { roomNid, pos }: RoomOfUser, sent: SentRooms): boolean {
  const known = sent.get(roomNid)
  return known !== undefined && pos > (toldUpTo(known.room, from?.pos ?? 0) ?? 0)
}

/** Each position is looked up once, not at every comparison. */
function newestFirst(rooms: readonly RoomOfUser[], lastPos: (mine: RoomOfUser) => number): RoomOfUser[] {
  const placed = rooms.map((mine) => ({ mine, pos: lastPos(mine) }))
  return placed.sort((a, b) => b.pos - a.pos).map(({ mine }) => mine)
}

/** Each room once, though ranges overlap. */
function inRanges(rooms: readonly RoomOfUser[], { ranges }: ListConfig): Iterable<RoomOfUser> {
  return ranges ? new Set(ranges.flatMap(([first, last]) => rooms.slice(first, last + 1))) : rooms
}

/** A room that matches several rules is told of as all of them together say. */
function add(wanted: Map<number, WantedRoom>, mine: RoomOfUser, config: RoomConfig, list?: string): void {
  const known = wanted.get(mine.roomNid)
  const lists = known?.lists ?? []
  wanted.set(mine.roomNid, {
    mine,
    timelineLimit: Math.max(known?.timelineLimit ?? 0, config.timelineLimit),
    required: known ? known.required.plus(config.required) : config.required,
    lists: list === undefined || lists.includes(list) ? lists : [...lists, list],
    isSubscribed: known?.isSubscribed || list === undefined,
  })
}
