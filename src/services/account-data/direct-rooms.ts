import type { Awaitable } from '../../util/awaitable.ts'
import { LoadCache } from '../../util/load-cache.ts'
import { type AccountData, GLOBAL, type Owner } from './account-data.ts'

const TYPE = 'm.direct'
const MAX_CACHED = 2_000

/** The rooms that users call direct chats, by their account data `m.direct` (spec: Direct Messaging). */
export class DirectRooms {
  readonly #accountData: AccountData
  readonly #cache = new LoadCache<number, ReadonlySet<string>>(MAX_CACHED, (userNid) => this.#load(userNid))

  constructor(accountData: AccountData) {
    this.#accountData = accountData
    accountData.onChanged((owner, roomNid, type) => {
      if (roomNid === GLOBAL && type === TYPE) this.#cache.forget(owner.userNid)
    })
  }

  of({ userNid }: Owner): Awaitable<ReadonlySet<string>> {
    return this.#cache.get(userNid)
  }

  async #load(userNid: number): Promise<ReadonlySet<string>> {
    const content = (await this.#accountData.find(userNid, GLOBAL, TYPE)) ?? {}
    const rooms = Object.values(content).flatMap((ids) => (Array.isArray(ids) ? ids : []))
    return new Set(rooms.filter((id) => typeof id === 'string'))
  }
}
