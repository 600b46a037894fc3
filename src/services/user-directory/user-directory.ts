import type { Db } from '../../storage/db.ts'
import * as table from '../../storage/user-directory.ts'
import { Turn } from '../../util/turn.ts'
import { matches, parseQuery, type Query } from './search-terms.ts'

interface Deps {
  readonly db: Db
  /** Everybody finds everybody on this server, whether they share a room or not. */
  readonly showsAll: boolean
}

export interface Found {
  readonly users: readonly table.DirectoryUser[]
  /** There may be more than these. */
  readonly isLimited: boolean
}

const PAGE = 100
/** Users looked at in the index before the search turns to the rooms of the viewer. */
const MAX_CANDIDATES = 2_000
/** Members looked at in those rooms. */
const MAX_NEIGHBOURS = 20_000
const MAX_ROOMS = 1_000

/** Finding people by name (spec: client-server API, User directory). */
export class UserDirectory {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Users who match, but for the viewer: those who share a room with the viewer or are in a room that is open to all.
   * A search costs no more on a large server: where a term fits very many people, those whom the viewer shares rooms
   * with are looked through instead.
   */
  async search(viewerNid: number, text: string, limit: number): Promise<Found> {
    const query = parseQuery(text)
    if (!query) return { users: [], isLimited: false }
    const found = new Map<number, table.DirectoryUser>()
    const isComplete = await this.#searchIndex(viewerNid, query, limit, found)
    if (!isComplete && found.size <= limit) await this.#searchRooms(viewerNid, query, limit, found)
    return { users: [...found.values()].slice(0, limit), isLimited: !isComplete || found.size > limit }
  }

  /** Whether all that there is was looked at. */
  async #searchIndex(
    viewerNid: number,
    query: Query,
    limit: number,
    found: Map<number, table.DirectoryUser>,
  ): Promise<boolean> {
    const { db, showsAll } = this.#deps
    const turn = new Turn()
    const seen = new Set([viewerNid])
    let after: table.TermPlace | undefined
    for (let looked = 0; looked < MAX_CANDIDATES; looked += PAGE) {
      const page = await table.listByTerm(db, query, after, PAGE)
      const fresh = page.filter((user) => !seen.has(user.userNid) && matches(query, user))
      for (const { userNid } of page) seen.add(userNid)
      const nids = fresh.map((user) => user.userNid)
      const visible = showsAll ? new Set(nids) : await table.listVisible(db, viewerNid, nids)
      for (const user of fresh) if (visible.has(user.userNid)) found.set(user.userNid, user)
      after = page.at(-1)
      if (found.size > limit || page.length < PAGE) return page.length < PAGE
      if (turn.isOver) await turn.give()
    }
    return false
  }

  async #searchRooms(
    viewerNid: number,
    query: Query,
    limit: number,
    found: Map<number, table.DirectoryUser>,
  ): Promise<void> {
    const { db } = this.#deps
    const turn = new Turn()
    let looked = 0
    for (const roomNid of await table.listJoinedRoomNids(db, viewerNid, MAX_ROOMS)) {
      let page: table.DirectoryUser[]
      let after = -1
      do {
        page = await table.listInRoom(db, roomNid, after, PAGE)
        for (const user of page) {
          if (user.userNid !== viewerNid && matches(query, user)) found.set(user.userNid, user)
        }
        looked += page.length
        if (found.size > limit || looked >= MAX_NEIGHBOURS) return
        after = page.at(-1)?.userNid ?? after
        if (turn.isOver) await turn.give()
      } while (page.length === PAGE)
    }
  }
}
