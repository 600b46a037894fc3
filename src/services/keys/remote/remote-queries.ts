import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { QueryRequests } from '../../../federation/requests/queries.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import { serverOf, type UserId } from '../../../matrix/ids.ts'
import { chunks } from '../../../util/chunks.ts'
import type { Lanes } from './lanes.ts'
import type { RemoteLists } from './remote-lists.ts'
import { type RemoteUser, readKeysAnswer } from './remote-user.ts'

interface Deps {
  readonly queries: QueryRequests
  readonly lanes: Lanes
  readonly remoteLists: RemoteLists
  /** Told that lists of a server could not be read, and must be later. */
  onUnread(server: string): void
}

/** What there is to say of the keys of other servers' users. */
export interface RemoteKeys {
  /** Users whose copied lists may be read now. */
  readonly copied: Set<UserId>
  /** Users of whom no copy is kept, as their servers answered just now. */
  readonly passing: Map<UserId, RemoteUser>
  /** Servers that did not answer. */
  readonly failed: Set<string>
}

/** Users in one question: an answer of as many with five devices each has some 2 MB. */
const MAX_USERS = 250

/** Asks other servers for the keys of their users, where there is no copy that can be believed. */
export class RemoteQueries {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Brings in the keys of users of other servers, all servers at once, within `timeoutMs`. */
  async bring(userIds: readonly UserId[], timeoutMs: number): Promise<RemoteKeys> {
    const { copied, fresh } = await this.#deps.remoteLists.standing(userIds)
    const keys: RemoteKeys = { copied: new Set(fresh), passing: new Map(), failed: new Set() }
    const unread = Map.groupBy(
      userIds.filter((userId) => !fresh.has(userId)),
      serverOf,
    )
    await Promise.all([...unread].map(([server, ofServer]) => this.#bringFrom(server, ofServer, timeoutMs, keys)))
    // A list that is out of date for want of an answer is better than none: most devices will be right.
    for (const userId of copied) if (keys.failed.has(serverOf(userId))) keys.copied.add(userId)
    return keys
  }

  async #bringFrom(server: string, userIds: readonly UserId[], timeoutMs: number, keys: RemoteKeys): Promise<void> {
    const { lanes, onUnread } = this.#deps
    try {
      await lanes.run(server, timeoutMs, async (leftMs) => {
        for (const part of chunks(userIds, MAX_USERS)) await this.#ask(server, part, leftMs, keys)
      })
    } catch (error) {
      if (!(error instanceof RemoteFailure || error instanceof MatrixError)) throw error
      keys.failed.add(server)
      onUnread(server)
    }
  }

  async #ask(server: string, userIds: readonly UserId[], timeoutMs: number, keys: RemoteKeys): Promise<void> {
    const { queries, remoteLists } = this.#deps
    // Whoever went before may have asked the same.
    const { fresh, inSight } = await remoteLists.standing(userIds)
    for (const userId of fresh) keys.copied.add(userId)
    const asked = userIds.filter((userId) => !fresh.has(userId))
    if (asked.length === 0) return
    const kept = asked.filter((userId) => inSight.has(userId))
    const reading = await remoteLists.begin(kept)
    const answer = await queries.queryUserKeys(
      server,
      Object.fromEntries(asked.map((userId) => [userId, []])),
      timeoutMs,
    )
    const read = readKeysAnswer(answer, asked)
    await remoteLists.finish(reading, read)
    for (const [userId, user] of read) {
      if (inSight.has(userId)) keys.copied.add(userId)
      else keys.passing.set(userId, user)
    }
  }
}
