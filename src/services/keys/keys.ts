import { serverOf, type UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import type { Requester } from '../accounts/sessions/sessions.ts'
import type { UserRooms } from '../sync/user-rooms.ts'
import { parseToken } from '../tokens.ts'
import type { DeviceLists, ListChanges } from './device-lists.ts'
import type { Claim, KeyClaims } from './key-claims.ts'
import { addRemoteUser, queryKeys } from './key-query.ts'
import type { RemoteClaims } from './remote/remote-claims.ts'
import type { RemoteQueries } from './remote/remote-queries.ts'
import { checkServers } from './remote/server-count.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly lists: DeviceLists
  readonly claims: KeyClaims
  readonly userRooms: UserRooms
  readonly remoteQueries: RemoteQueries
  readonly remoteClaims: RemoteClaims
}

/** How long other servers may take, unless the client says otherwise (spec: the recommended default). */
const TIMEOUT_MS = 10_000
const LONGEST_TIMEOUT_MS = 30_000

/** What clients ask of keys. */
export class Keys {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * For `/keys/query`. Throws `M_TOO_LARGE`. `failures` names the servers that did not answer; what is known of their users is there all the
   * same. `timeoutMs`: how long they may take.
   */
  async query(asker: Requester, wanted: ReadonlyMap<UserId, readonly string[]>, timeoutMs = TIMEOUT_MS) {
    const { db, remoteQueries } = this.#deps
    const remote = [...wanted.keys()].filter((userId) => !this.#isLocal(userId))
    checkServers(remote)
    if (remote.length === 0) return { ...(await queryKeys(db, asker.userNid, wanted)), failures: {} }
    const timeout = Math.min(timeoutMs, LONGEST_TIMEOUT_MS)
    const { copied, passing, failed } = await remoteQueries.bring(remote, timeout)
    const stored = new Map([...wanted].filter(([userId]) => this.#isLocal(userId) || copied.has(userId)))
    const answer = await queryKeys(db, asker.userNid, stored)
    for (const [userId, user] of passing) addRemoteUser(answer, userId, user, wanted.get(userId) ?? [])
    return { ...answer, failures: failuresOf(failed) }
  }

  /** For `/keys/claim`. Throws `M_TOO_LARGE`. */
  async claim(claims: readonly Claim[], timeoutMs = TIMEOUT_MS) {
    const local = claims.filter(({ userId }) => this.#isLocal(userId))
    const remote = claims.filter(({ userId }) => !this.#isLocal(userId))
    checkServers(remote.map(({ userId }) => userId))
    const [ours, theirs] = await Promise.all([
      this.#deps.claims.claim(local),
      this.#deps.remoteClaims.claim(remote, Math.min(timeoutMs, LONGEST_TIMEOUT_MS)),
    ])
    return { one_time_keys: { ...ours, ...theirs.keys }, failures: failuresOf(theirs.failed) }
  }

  /** For `/keys/changes`: between two tokens of `/sync`. */
  async changes(requester: Requester, from: string, to: string): Promise<ListChanges> {
    const { lists, userRooms } = this.#deps
    return lists.changes(requester, await userRooms.of(requester), parseToken(from).pos, parseToken(to).pos)
  }

  #isLocal(userId: UserId): boolean {
    return serverOf(userId) === this.#deps.serverName
  }
}

const failuresOf = (servers: Iterable<string>): Record<string, object> =>
  Object.fromEntries([...servers].map((server) => [server, { status: 503, message: 'The server did not answer' }]))
