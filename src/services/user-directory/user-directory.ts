import { serverOf } from '../../matrix/ids.ts'
import * as table from '../../storage/accounts/user-directory.ts'
import type { Db } from '../../storage/db.ts'
import { chunks } from '../../util/chunks.ts'
import { Turn } from '../../util/turn.ts'
import { Acquaintances } from './acquaintances.ts'
import { matches, parseQuery, type Query, rankOf } from './search-terms.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  /** Everybody finds everybody on this server, whether they share a room or not; of other servers, only those they know. */
  readonly showsAll: boolean
}

export interface Found {
  readonly users: readonly table.DirectoryUser[]
  /** There may be more than these. */
  readonly isLimited: boolean
}

type Users = Map<number, table.DirectoryUser>

const PAGE = 200
/** Users looked at in the index before the search turns to the viewer's neighbours. */
const MAX_CANDIDATES = 3_000
const MAX_NEIGHBOURS = 3_000

/**
 * Finding people by name (spec: client-server API, User directory): those who share a room with the viewer or are in a
 * room that is open to everybody. A search costs no more on a large server. Where a term fits very many people, it turns
 * to the viewer's neighbours. (With 100,000 users, each in 20 rooms of 100 members, on SQLite: 0.6 ms for 홍길동 or ㅎㄱㄷ;
 * 9 ms in pieces for 김, as a fifth of them are called. The index has 7 rows a user.)
 */
export class UserDirectory {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Finds up to `limit` users. The viewer is among them only for being in a room that is open to everybody. */
  async search(viewerNid: number, text: string, limit: number): Promise<Found> {
    const { db, showsAll } = this.#deps
    const query = parseQuery(text)
    if (!query) return { users: [], isLimited: false }
    const known = showsAll ? undefined : await Acquaintances.of(db, viewerNid)
    const found: Users = new Map()
    const isComplete = await this.#searchIndex(viewerNid, query, limit, known, found)
    if (!isComplete && known && found.size <= limit) {
      await this.#searchNeighbours(viewerNid, query, limit, known.neighbours, found)
    }
    return { users: inOrder(query, [...found.values()]).slice(0, limit), isLimited: !isComplete || found.size > limit }
  }

  /** Whether all that the index has was looked at. */
  async #searchIndex(
    viewerNid: number,
    query: Query,
    limit: number,
    known: Acquaintances | undefined,
    found: Users,
  ): Promise<boolean> {
    const turn = new Turn()
    let after: table.TermPlace | undefined
    for (let looked = 0; looked < MAX_CANDIDATES; looked += PAGE) {
      const page = await table.listByTerm(this.#deps.db, query, after, PAGE)
      const shown = known ? await known.among(page) : await this.#shownToAll(viewerNid, page)
      for (const user of page) {
        const { userNid } = user
        const isShown = userNid === viewerNid ? user.isOpen : shown.has(userNid)
        if (isShown && matches(query, user)) found.set(userNid, user)
      }
      if (page.length < PAGE) return true
      if (found.size > limit) return false
      after = page.at(-1)
      if (turn.isOver) await turn.give()
    }
    return false
  }

  async #shownToAll(viewerNid: number, users: Awaited<ReturnType<typeof table.listByTerm>>): Promise<Set<number>> {
    const { db, serverName } = this.#deps
    const isShown = ({ userId, isOpen }: (typeof users)[number]) => isOpen || serverOf(userId) === serverName
    const others = users.filter((user) => !isShown(user)).map((user) => user.userNid)
    const sharing = await table.listSharing(db, viewerNid, others)
    return new Set([...users.filter(isShown).map((user) => user.userNid), ...sharing])
  }

  async #searchNeighbours(
    viewerNid: number,
    query: Query,
    limit: number,
    neighbours: ReadonlySet<number>,
    found: Users,
  ): Promise<void> {
    const turn = new Turn()
    const nids = [...neighbours].slice(0, MAX_NEIGHBOURS)
    for (const part of chunks(nids, PAGE)) {
      if (found.size > limit) return
      for (const user of await table.usersByNid(this.#deps.db, part)) {
        if (user.userNid !== viewerNid && matches(query, user)) found.set(user.userNid, user)
      }
      if (turn.isOver) await turn.give()
    }
  }
}

/** The best first; of equals in the order of their names. */
function inOrder(query: Query, users: readonly table.DirectoryUser[]): table.DirectoryUser[] {
  const ranked = users.map((user) => ({ user, rank: rankOf(query, user), name: user.displayName ?? user.userId }))
  ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
  return ranked.map(({ user }) => user)
}
