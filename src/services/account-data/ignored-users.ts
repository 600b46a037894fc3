import { isUserId, type UserId } from '../../matrix/ids.ts'
import { isObject } from '../../matrix/json.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { LoadCache } from '../../util/load-cache.ts'
import { type AccountData, GLOBAL } from './account-data.ts'

const MAX_CACHED = 10_000
const TYPE = 'm.ignored_user_list'
const NOBODY: ReadonlySet<UserId> = new Set()

interface Deps {
  readonly accountData: AccountData
  /** The number of a user id; undefined for one that nobody has. */
  userNidOf(userId: UserId): Promise<number | undefined>
}

/** Whom users ignore (spec: client-server API, Ignoring Users). */
export class IgnoredUsers {
  readonly #deps: Deps
  readonly #cache = new LoadCache<UserId, ReadonlySet<UserId>>(MAX_CACHED, (userId) => this.#load(userId))

  constructor(deps: Deps) {
    this.#deps = deps
    deps.accountData.onChanged((owner, roomNid, type) => {
      if (roomNid === GLOBAL && type === TYPE) this.#cache.forget(owner.userId)
    })
  }

  of(userId: UserId): Awaitable<ReadonlySet<UserId>> {
    return this.#cache.get(userId)
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
