import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { Presence } from '../presence/presence.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { type Contribution, isNewlyJoined, NOTHING_NEW, type SyncContext, type SyncSection } from './request.ts'

interface Deps {
  presence: Presence
  rooms: LiveRooms
}

interface Join {
  pos: number
  roomId: RoomId
  userId: UserId
}

/** Joins that are remembered, to tell members of a room who has come. */
const MAX_JOINS = 2_000

/** The `presence` of an answer: whose changed, and those of users with whom the client newly shares a room. */
export class PresenceSection implements SyncSection {
  readonly #deps: Deps
  #joins: Join[] = []

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `Append`: who joined. */
  onAppended({ room, events }: Appended): void {
    if (!this.#deps.presence.isEnabled) return
    for (const event of events) {
      if (event.type !== 'm.room.member' || event.membership !== 'join') continue
      this.#joins.push({ pos: event.pos, roomId: room.roomId, userId: event.stateKey as UserId })
    }
    if (this.#joins.length > MAX_JOINS * 2) this.#joins = this.#joins.slice(-MAX_JOINS)
  }

  async contribute(context: SyncContext): Promise<Contribution> {
    const { presence } = this.#deps
    if (!presence.isEnabled) return NOTHING_NEW
    const users = context.since === undefined ? await this.#everybody(context) : await this.#news(context)
    const isTold = (sender: UserId) =>
      context.filter.presence.admits({ type: 'm.presence', sender }) && !context.ignored.has(sender)
    const events = await presence.events([...users].filter(isTold))
    if (events.length === 0) return NOTHING_NEW
    return { text: `"presence":{"events":[${events.join(',')}]}`, isNews: true }
  }

  async #everybody({ viewer }: SyncContext): Promise<Set<UserId>> {
    return this.#deps.presence.neighboursOf(viewer)
  }

  async #news(context: SyncContext): Promise<Set<UserId>> {
    const { since, upTo, viewer, rooms } = context
    const { presence } = this.#deps
    const from = since?.pos ?? 0
    const news = new Set<UserId>()
    if (presence.changes.mayHaveChanged(from)) {
      const joined = [...rooms.values()].filter(({ membership }) => membership === 'join')
      const nids = new Set(joined.map(({ roomNid }) => roomNid))
      for (const userId of await presence.changes.seenBy(viewer, nids, from, upTo.pos)) news.add(userId)
    }
    for (let i = this.#joins.length - 1; i >= 0; i--) {
      const join = this.#joins[i]
      if (!join || join.pos <= from) break
      if (join.pos > upTo.pos || rooms.get(join.roomId)?.membership !== 'join') continue
      if (join.userId !== viewer.userId) news.add(join.userId)
    }
    for (const mine of rooms.values()) {
      if (mine.pos <= from || !isNewlyJoined(context, mine)) continue
      for (const userId of (await this.#deps.rooms.find(mine.roomId))?.localJoined ?? []) news.add(userId)
    }
    return news
  }
}
