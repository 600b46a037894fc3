import { isObject } from '../../matrix/json.ts'
import { LoadCache } from '../../util/load-cache.ts'
import type { AccountData, Owner } from './account-data.ts'
import { TAG_TYPE } from './tags.ts'

const MAX_CACHED = 2_000
const NO_TAGS: ReadonlySet<string> = new Set()

type TagsByRoom = ReadonlyMap<number, ReadonlySet<string>>

/** Which tags users have put on which of their rooms: of all rooms at once. */
export class TaggedRooms {
  readonly #accountData: AccountData
  readonly #cache = new LoadCache<number, TagsByRoom>(MAX_CACHED, (userNid) => this.#load(userNid))

  constructor(accountData: AccountData) {
    this.#accountData = accountData
    accountData.onChanged((owner, _roomNid, type) => {
      if (type === TAG_TYPE) this.#cache.forget(owner.userNid)
    })
  }

  async of({ userNid }: Owner): Promise<(roomNid: number) => ReadonlySet<string>> {
    const byRoom = await this.#cache.get(userNid)
    return (roomNid) => byRoom.get(roomNid) ?? NO_TAGS
  }

  async #load(userNid: number): Promise<TagsByRoom> {
    const rows = await this.#accountData.ofType(userNid, TAG_TYPE)
    return new Map(
      rows.map(({ room_nid, content }) => {
        const { tags } = JSON.parse(content) as { tags?: unknown }
        return [room_nid, new Set(isObject(tags) ? Object.keys(tags) : [])]
      }),
    )
  }
}
