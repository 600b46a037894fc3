import type { Pdu } from '../../room/event.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as table from '../../storage/user-directory.ts'
import { Turn } from '../../util/turn.ts'
import { Backlog } from '../backlog.ts'
import { indexRemoteUser } from './remote-users.ts'

interface Deps {
  readonly db: Db
  onFailure(error: unknown): void
}

// Each member of another server is a dozen rows.
const MEMBERS_AT_ONCE = 50

/**
 * Has the members of large rooms appear in the directory, or disappear, after a room was opened or closed; and those of
 * other servers, after a room was joined in which there are many.
 */
export class DirectoryRefresh {
  readonly #deps: Deps
  readonly #backlog: Backlog

  constructor(deps: Deps) {
    this.#deps = deps
    this.#backlog = new Backlog({ work: (signal) => this.#work(signal), onFailure: deps.onFailure })
  }

  start(): void {
    this.#backlog.wake()
  }

  /** A room may have been opened or closed, or many may have come into one. */
  wake(): void {
    this.#backlog.wake()
  }

  idle(): Promise<void> {
    return this.#backlog.idle()
  }

  close(): Promise<void> {
    return this.#backlog.close()
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { db } = this.#deps
    const turn = new Turn()
    for (;;) {
      const refresh = await table.findRefresh(db)
      if (!refresh || signal.aborted) return
      const members = await table.listJoinedNids(db, refresh.roomNid, refresh.afterUserNid, MEMBERS_AT_ONCE)
      const last = members.at(-1)
      const remote = await table.listRemoteMembers(db, refresh.roomNid, members)
      await transact(db, async (tx) => {
        for (const { userNid, userId, json } of remote) {
          await indexRemoteUser(tx, { userNid, userId, content: (JSON.parse(json) as Pdu).content })
        }
        await table.refreshOpen(tx, members)
        if (last === undefined || members.length < MEMBERS_AT_ONCE) await table.deleteRefresh(tx, refresh)
        else await table.updateRefresh(tx, refresh, last)
      })
      if (turn.isOver) await turn.give()
    }
  }
}
