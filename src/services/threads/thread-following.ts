import { LRUCache } from 'lru-cache'
import type { Db } from '../../storage/db.ts'
import * as store from '../../storage/thread-subscriptions.ts'
import type { Owner } from '../account-data/account-data.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
}

/** A thread: its room, and the event that it began with. */
export interface Thread {
  readonly roomNid: number
  readonly rootId: string
}

/** What a user has said of a thread. */
export interface Subscription {
  readonly isSubscribed: boolean
  /** The client did it by itself, when the user was mentioned. */
  readonly isAutomatic: boolean
  /** What arrived up to this position is no reason to subscribe again by itself. */
  readonly unsubscribedPos: number | undefined
}

/** A change of a subscription, for clients. */
export interface SubscriptionChange extends Subscription {
  readonly roomId: string
  readonly rootId: string
  readonly pos: number
}

export type FollowingListener = (userNid: number, roomNid: number) => void

/** Threads over all users whose state memory holds. */
const MAX_CACHED = 500_000
/** Of a user who follows more, the ones not touched for longest count as not followed. */
const MAX_OF_USER = 20_000

/** Which threads users follow (MSC4306). */
export class ThreadFollowing {
  readonly #deps: Deps
  readonly #changes: ChangeIndex<number>
  readonly #listeners: FollowingListener[] = []
  readonly #known = new LRUCache<number, ReadonlyMap<string, boolean>>({
    maxSize: MAX_CACHED,
    sizeCalculation: (threads) => threads.size + 1,
  })

  constructor(deps: Deps) {
    this.#deps = deps
    this.#changes = new ChangeIndex(deps.stream.current)
  }

  /** Told of every change, after the commit. */
  onChanged(listener: FollowingListener): void {
    this.#listeners.push(listener)
  }

  async find(userNid: number, { roomNid, rootId }: Thread): Promise<Subscription | undefined> {
    const row = await store.findThreadSubscription(this.#deps.db, userNid, roomNid, rootId)
    return row && subscriptionOf(row)
  }

  /**
   * Replaces what is stored by what `edit` makes of it; undefined leaves it alone. Positions come first here for the
   * reason that `AccountData.update` gives.
   */
  async update(
    { userId, userNid }: Owner,
    { roomNid, rootId }: Thread,
    edit: (before: Subscription | undefined, pos: number) => Subscription | undefined,
  ): Promise<void> {
    const { stream, hub } = this.#deps
    await stream.write(async (tx, take) => {
      const { pos } = await take(1)
      const row = await store.findThreadSubscription(tx, userNid, roomNid, rootId)
      const after = edit(row && subscriptionOf(row), pos)
      if (!after) return { value: undefined }
      await store.upsertThreadSubscription(tx, {
        user_nid: userNid,
        room_nid: roomNid,
        root_id: rootId,
        subscribed: after.isSubscribed ? 1 : 0,
        automatic: after.isAutomatic ? 1 : 0,
        unsubscribed_pos: after.unsubscribedPos ?? null,
        pos,
      })
      return {
        value: undefined,
        announce: () => {
          this.#known.delete(userNid)
          this.#changes.note(userNid, pos)
          for (const listener of this.#listeners) listener(userNid, roomNid)
          hub.publish([userId], pos)
        },
      }
    })
  }

  /** What changed in (`after`, `upTo`]: the newest `limit` changes, latest first. */
  async changed(userNid: number, after: number, upTo: number, limit: number): Promise<SubscriptionChange[]> {
    if (after > 0 && !this.#changes.mayHaveChanged(userNid, after)) return []
    const rows = await store.listThreadSubscriptions(this.#deps.db, userNid, after, upTo, limit)
    return rows.map((row) => ({ ...subscriptionOf(row), roomId: row.room_id, rootId: row.root_id, pos: row.pos }))
  }

  /** Whether the user follows the thread; undefined: never said anything of any thread. */
  async follows(userNid: number, roomNid: number, rootId: string): Promise<boolean | undefined> {
    const threads = this.#known.get(userNid) ?? (await this.#load(userNid))
    return threads.size === 0 ? undefined : (threads.get(`${roomNid} ${rootId}`) ?? false)
  }

  async #load(userNid: number): Promise<ReadonlyMap<string, boolean>> {
    const { db, stream } = this.#deps
    const at = stream.current
    const rows = await store.listFollowed(db, userNid, MAX_OF_USER)
    const threads = new Map(rows.map((row) => [`${row.room_nid} ${row.root_id}`, row.subscribed === 1]))
    // What was announced while the table was read may not be in it.
    if (!this.#changes.mayHaveChanged(userNid, at)) this.#known.set(userNid, threads)
    return threads
  }
}

const subscriptionOf = (row: store.ThreadSubscriptionRow): Subscription => ({
  isSubscribed: row.subscribed === 1,
  isAutomatic: row.automatic === 1,
  unsubscribedPos: row.unsubscribed_pos ?? undefined,
})
