import { lruCache } from '../util/lru.ts'
import { type AccountData, GLOBAL, type Owner } from './account-data.ts'

const TYPE = 'm.direct'
const MAX_CACHED = 2_000

/** The rooms that users call direct chats, by their account data `m.direct` (spec: Direct Messaging). */
export class DirectRooms {
  readonly #accountData: AccountData
  readonly #cache = lruCache<number, Promise<ReadonlySet<string>>>(MAX_CACHED)

  constructor(accountData: AccountData) {
    this.#accountData = accountData
    accountData.onChanged((owner, roomNid, type) => {
      if (roomNid === GLOBAL && type === TYPE) this.#cache.delete(owner.userNid)
    })
  }

  of({ userNid }: Owner): Promise<ReadonlySet<string>> {
    let known = this.#cache.get(userNid)
    if (!known) {
      known = this.#load(userNid)
      this.#cache.set(userNid, known)
      known.catch(() => this.#cache.delete(userNid))
    }
    return known
  }

  async #load(userNid: number): Promise<ReadonlySet<string>> {
    const content = (await this.#accountData.find(userNid, GLOBAL, TYPE)) ?? {}
    const rooms = Object.values(content).flatMap((ids) => (Array.isArray(ids) ? ids : []))
    return new Set(rooms.filter((id) => typeof id === 'string'))
  }
}
