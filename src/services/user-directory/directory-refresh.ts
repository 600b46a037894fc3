import { type Db, transact } from '../../storage/db.ts'
import * as table from '../../storage/user-directory.ts'
import { Turn } from '../../util/turn.ts'
import { Backlog } from '../backlog.ts'

interface Deps {
  readonly db: Db
  onFailure(error: unknown): void
}

const MEMBERS_AT_ONCE = 300

/** Has the members of large rooms appear in the directory, or disappear, after a room was opened or closed. */
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

  /** A room may have been opened or closed. */
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
      await transact(db, async (tx) => {
        await table.refreshOpen(tx, members)
        if (last === undefined || members.length < MEMBERS_AT_ONCE) await table.deleteRefresh(tx, refresh)
        else await table.updateRefresh(tx, refresh, last)
      })
      if (turn.isOver) await turn.give()
    }
  }
}
