import { isUserId, type UserId } from '../matrix/ids.ts'
import { isObject } from '../matrix/json.ts'
import { lruCache } from '../util/lru.ts'
import { type AccountData, GLOBAL } from './account-data.ts'

const MAX_CACHED = 10_000
const TYPE = 'm.ignored_user_list'
const NOBODY: ReadonlySet<UserId> = new Set()

interface Deps {
  accountData: AccountData
  /** The number of a user id; undefined for one that nobody has. */
  userNidOf(userId: UserId): Promise<number | undefined>
}

/** Whom users ignore (spec: client-server API, Ignoring Users). */
export class IgnoredUsers {
  readonly #deps: Deps
  readonly #cache = lruCache<UserId, Promise<ReadonlySet<UserId>>>(MAX_CACHED)

  constructor(deps: Deps) {
    this.#deps = deps
    deps.accountData.onChanged((owner, roomNid, type) => {
      if (roomNid === GLOBAL && type === TYPE) this.#cache.delete(owner.userId)
    })
  }

  of(userId: UserId): Promise<ReadonlySet<UserId>> {
    let known = this.#cache.get(userId)
    if (!known) {
      known = this.#load(userId)
      this.#cache.set(userId, known)
      known.catch(() => this.#cache.delete(userId))
    }
    return known
  }

  async #load(userId: UserId): Promise<ReadonlySet<UserId>> {
    const userNid = await this.#deps.userNidOf(userId)
    if (userNid === undefined) return NOBODY
    const content = await this.#deps.accountData.find(userNid, GLOBAL, TYPE)
    if (!isObject(content?.ignored_users)) return NOBODY
    // Nobody can ignore themselves: their own messages would vanish from their timeline.
    const ids = Object.keys(content.ignored_users).filter((id): id is UserId => isUserId(id) && id !== userId)
    return ids.length === 0 ? NOBODY : new Set(ids)
  }
}
