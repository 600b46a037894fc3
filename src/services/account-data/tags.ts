import { badJson, invalidParam } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { AccountData, Owner } from './account-data.ts'

export const TAG_TYPE = 'm.tag'
const MAX_TAG_BYTES = 255

/** The tags that users put on rooms (spec: client-server API, Room Tagging). */
export class Tags {
  readonly #accountData: AccountData

  constructor(accountData: AccountData) {
    this.#accountData = accountData
  }

  async of(userNid: number, roomNid: number): Promise<JsonObject> {
    return tagsOf(await this.#accountData.find(userNid, roomNid, TAG_TYPE))
  }

  async set(owner: Owner, roomNid: number, tag: string, about: JsonObject): Promise<void> {
    if (tag === '' || Buffer.byteLength(tag) > MAX_TAG_BYTES) throw invalidParam('A tag has 1 to 255 bytes')
    const { order } = about
    if (order !== undefined && typeof order !== 'number') throw badJson('`order` is a number')
    await this.#accountData.update(owner, roomNid, TAG_TYPE, (before) => ({
      tags: { ...tagsOf(before), [tag]: about },
    }))
  }

  /** Gives the successor of an upgraded room the tags that the user has put on the old one. */
  async carryOver(owner: Owner, oldRoomNid: number, newRoomNid: number): Promise<void> {
    const tags = await this.of(owner.userNid, oldRoomNid)
    if (Object.keys(tags).length === 0) return
    await this.#accountData.update(owner, newRoomNid, TAG_TYPE, (before) => ({ tags: { ...tags, ...tagsOf(before) } }))
  }

  /** Removing a tag that is not there is no error. */
  async delete(owner: Owner, roomNid: number, tag: string): Promise<void> {
    await this.#accountData.update(owner, roomNid, TAG_TYPE, (before) => {
      const { [tag]: removed, ...others } = tagsOf(before)
      return removed === undefined ? undefined : { tags: others }
    })
  }
}

const tagsOf = (content: JsonObject | undefined): JsonObject => (isObject(content?.tags) ? content.tags : {})
