import type { UserId } from '../../matrix/ids.ts'
import { serverOf } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import type { Requester } from '../accounts/sessions.ts'
import type { UserRooms } from '../sync/user-rooms.ts'
import { parseToken } from '../tokens.ts'
import type { DeviceLists, ListChanges } from './device-lists.ts'
import type { Claim, KeyClaims } from './key-claims.ts'
import { queryKeys } from './key-query.ts'

interface Deps {
  db: Db
  serverName: string
  lists: DeviceLists
  claims: KeyClaims
  userRooms: UserRooms
}

/** What clients ask of keys. Those of other servers count as out of reach. */
export class Keys {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** For `/keys/query`. */
  async query(asker: Requester, wanted: ReadonlyMap<UserId, readonly string[]>) {
    const local = new Map([...wanted].filter(([userId]) => this.#isLocal(userId)))
    return { ...(await queryKeys(this.#deps.db, asker.userNid, local)), failures: this.#failures(wanted.keys()) }
  }

  /** For `/keys/claim`. */
  async claim(claims: readonly Claim[]) {
    const local = claims.filter(({ userId }) => this.#isLocal(userId))
    return {
      one_time_keys: await this.#deps.claims.claim(local),
      failures: this.#failures(claims.map(({ userId }) => userId)),
    }
  }

  /** For `/keys/changes`: between two tokens of `/sync`. */
  async changes(requester: Requester, from: string, to: string): Promise<ListChanges> {
    const { lists, userRooms } = this.#deps
    return lists.changes(requester, await userRooms.of(requester), parseToken(from).pos, parseToken(to).pos)
  }

  #isLocal(userId: UserId): boolean {
    return serverOf(userId) === this.#deps.serverName
  }

  #failures(userIds: Iterable<UserId>): Record<string, object> {
    const servers = new Set([...userIds].map(serverOf))
    servers.delete(this.#deps.serverName)
    return Object.fromEntries([...servers].map((server) => [server, { message: 'This server was not asked' }]))
  }
}
