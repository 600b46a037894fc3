import type { Awaitable } from '../../util/awaitable.ts'
import { lruCache } from '../../util/lru.ts'
import { Turn } from '../../util/turn.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Unread, UnreadCounts } from '../notifications/unread-counts.ts'
import type { CompiledRules } from '../push-rules/compiled-rules.ts'
import type { Judge } from '../push-rules/judge.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { Stream } from '../stream.ts'
import type { RoomOfUser, UserRooms } from '../sync/user-rooms.ts'

interface Deps {
  readonly judge: Judge
  readonly unread: UnreadCounts
  readonly rooms: LiveRooms
  readonly userRooms: UserRooms
  readonly stream: Stream
}

interface Known {
  rules: CompiledRules
  ignored: ReadonlySet<string>
  /** By the number of the room. */
  counts: Map<number, Awaitable<number>>
}

const MAX_CACHED = 10_000
const NOTHING: Unread = new Map()

/**
 * How many notifications a user has not read in all rooms. What is known of a room stands until something happens in
 * it: without that each push to somebody in two thousand rooms would ask after all of them.
 */
export class Badges {
  readonly #deps: Deps
  readonly #known = lruCache<number, Known>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Something happened in a room: a message, or the user has read, or has come to follow a thread or no longer does. */
  onChanged(userNid: number, roomNid: number): void {
    this.#known.peek(userNid)?.counts.delete(roomNid)
  }

  async of(owner: Owner): Promise<number> {
    const { judge, userRooms } = this.#deps
    const rules = await judge.rulesOf(owner.userNid)
    const ignored = await judge.ignoredBy(owner)
    let known = this.#known.get(owner.userNid)
    if (known?.rules !== rules || known.ignored !== ignored) {
      known = { rules, ignored, counts: new Map() }
      this.#known.set(owner.userNid, known)
    }
    const { counts } = known
    let total = 0
    const turn = new Turn()
    for (const mine of (await userRooms.of(owner)).values()) {
      if (mine.membership !== 'join') continue
      const count = counts.get(mine.roomNid) ?? this.#count(counts, owner, mine)
      total += typeof count === 'number' ? count : await count
      if (turn.isOver) await turn.give()
    }
    return total
  }

  /** Known as soon as it begins: the other pushers of the user wait for it, and what happens meanwhile takes it away. */
  #count(counts: Map<number, Awaitable<number>>, owner: Owner, mine: RoomOfUser): Promise<number> {
    const { roomNid } = mine
    const counting = this.#unreadIn(owner, mine)
    const settle = (count?: number) => {
      if (counts.get(roomNid) !== counting) return
      if (count === undefined) counts.delete(roomNid)
      else counts.set(roomNid, count)
    }
    counts.set(roomNid, counting)
    counting.then(settle, () => settle())
    return counting
  }

  async #unreadIn(owner: Owner, { roomId, sincePos }: RoomOfUser): Promise<number> {
    const { unread, rooms, stream } = this.#deps
    const room = await rooms.find(roomId)
    const found = room ? await unread.of(room, owner, sincePos, stream.current) : NOTHING
    return [...found.values()].reduce((sum, { notify }) => sum + notify, 0)
  }
}
