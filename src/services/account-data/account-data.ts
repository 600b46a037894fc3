import { badJson, MatrixError, notFound, tooLarge } from '../../matrix/errors.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import * as store from '../../storage/account-data.ts'
import type { Db } from '../../storage/db.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Hub } from '../hub.ts'
import type { Stream } from '../stream.ts'

/** Whose data it is; a route's `Requester` is one. */
export interface Owner {
  readonly userId: UserId
  readonly userNid: number
}

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly hub: Hub
}

/** `room_nid` of what is stored globally. */
export const GLOBAL = 0

/** Types that only the server writes (spec: account data). */
const RESERVED: ReadonlySet<string> = new Set(['m.fully_read', 'm.push_rules'])
/** What is left of something that was deleted, so that `/sync` can say so: for a client, nothing is there (MSC3391). */
const DELETED = '{}'
const MAX_CONTENT_BYTES = 64 * 1024
/** Of one user in all, in characters: a first `/sync` has to hold it, and 36 MB of it kept everybody else waiting for 0.9 s. */
const MAX_CHARACTERS = 4 * 1024 * 1024
/** Of one user in all. Clients keep a few for each room. */
const MAX_ENTRIES = 20_000

export type AccountDataListener = (owner: Owner, roomNid: number, type: string) => void

/** What clients keep on the server for their user, globally or for a room (spec: Client Config). */
export class AccountData {
  readonly changes: ChangeIndex<number>
  readonly #deps: Deps
  readonly #listeners: AccountDataListener[] = []

  constructor(deps: Deps) {
    this.#deps = deps
    this.changes = new ChangeIndex(deps.stream.current)
  }

  /** Told of every change, after the commit. */
  onChanged(listener: AccountDataListener): void {
    this.#listeners.push(listener)
  }

  /** The content, or `M_NOT_FOUND`. */
  async get(userNid: number, roomNid: number, type: string): Promise<JsonObject> {
    const content = await this.find(userNid, roomNid, type)
    if (content === undefined) throw notFound('Nothing is stored under this type')
    return content
  }

  async find(userNid: number, roomNid: number, type: string): Promise<JsonObject | undefined> {
    const text = await store.findAccountData(this.#deps.db, userNid, roomNid, type)
    return text === undefined || text === DELETED ? undefined : (JSON.parse(text) as JsonObject)
  }

  /** Stores what a client sends, and deletes by storing nothing; the types that the server writes itself are refused with status 405. */
  async setByClient(owner: Owner, roomNid: number, type: string, content: JsonObject): Promise<void> {
    if (RESERVED.has(type)) throw new MatrixError('M_BAD_JSON', `${type} is set by its own endpoint`, { status: 405 })
    if (Buffer.byteLength(type) > 255) throw badJson('The type is longer than 255 bytes')
    await this.update(owner, roomNid, type, () => content)
  }

  /**
   * Replaces the content by what `edit` makes of it; undefined leaves it alone. Positions come first here, against the
   * rule: the counter's row makes edits of one user wait for each other, so that none is lost.
   */
  async update(
    owner: Owner,
    roomNid: number,
    type: string,
    edit: (before: JsonObject | undefined) => JsonObject | undefined,
  ): Promise<void> {
    const { stream, hub } = this.#deps
    await stream.write(async (tx, take) => {
      const { pos } = await take(1)
      const text = await store.findAccountData(tx, owner.userNid, roomNid, type)
      const after = edit(text === undefined ? undefined : (JSON.parse(text) as JsonObject))
      if (after === undefined) return { value: undefined }
      const content = JSON.stringify(after)
      if (Buffer.byteLength(content) > MAX_CONTENT_BYTES) throw tooLarge('More than 64 KiB')
      if (!RESERVED.has(type) && content.length > (text?.length ?? 0)) {
        const others = await store.sumAccountData(tx, owner.userNid, roomNid, type)
        if (others.entries >= MAX_ENTRIES || others.characters + content.length > MAX_CHARACTERS) {
          throw tooLarge('Your account data takes too much room')
        }
      }
      await store.upsertAccountData(tx, owner.userNid, { room_nid: roomNid, type, content, pos })
      return {
        value: undefined,
        announce: () => {
          this.changes.note(owner.userNid, pos)
          for (const listener of this.#listeners) listener(owner, roomNid, type)
          hub.publish([owner.userId], pos)
        },
      }
    })
  }

  /** What changed in (`after`, `upTo`]; all there is without `after`. */
  changed(userNid: number, after: number | undefined, upTo: number): Awaitable<store.AccountDataRow[]> {
    if (after === undefined) return store.listAccountData(this.#deps.db, userNid, 0, upTo).then(withoutDeleted)
    if (!this.changes.mayHaveChanged(userNid, after)) return []
    return store.listAccountData(this.#deps.db, userNid, after, upTo)
  }

  /** What is stored for one room. */
  async ofRoom(userNid: number, roomNid: number): Promise<store.AccountDataRow[]> {
    return withoutDeleted(await store.listAccountDataOfRoom(this.#deps.db, userNid, roomNid))
  }

  /** What is stored under one type, globally and for rooms. */
  async ofType(userNid: number, type: string): Promise<store.AccountDataRow[]> {
    return withoutDeleted(await store.listAccountDataOfType(this.#deps.db, userNid, type))
  }
}

const withoutDeleted = (rows: store.AccountDataRow[]): store.AccountDataRow[] =>
  rows.filter(({ content }) => content !== DELETED)
