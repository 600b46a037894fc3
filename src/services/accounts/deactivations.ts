import type { UserId } from '../../matrix/ids.ts'
import { listUnfinishedDeactivations } from '../../storage/accounts.ts'
import type { Db } from '../../storage/db.ts'
import { Backlog } from '../backlog.ts'

interface Deps {
  readonly db: Db
  /** Leaves every room of a user; what cannot be left is passed over. */
  leaveAll(userId: UserId, userNid: number): Promise<void>
  onFailure(error: unknown): void
}

const PAGE = 50

/**
 * Takes deactivated accounts out of their rooms. What is left to do stands in the tables (they are deactivated and still
 * members), so a restart goes on where it stopped.
 */
export class Deactivations {
  readonly #deps: Deps
  readonly #backlog: Backlog

  constructor(deps: Deps) {
    this.#deps = deps
    this.#backlog = new Backlog({ work: (signal) => this.#leaveRooms(signal), onFailure: deps.onFailure })
  }

  start(): void {
    this.#backlog.wake()
  }

  /** An account has been deactivated. */
  wake(): void {
    this.#backlog.wake()
  }

  /** Resolves once nothing is left to do. */
  idle(): Promise<void> {
    return this.#backlog.idle()
  }

  close(): Promise<void> {
    return this.#backlog.close()
  }

  async #leaveRooms(signal: AbortSignal): Promise<void> {
    const { db, leaveAll } = this.#deps
    for (let after = 0; ; ) {
      const page = await listUnfinishedDeactivations(db, after, PAGE)
      for (const { userId, userNid } of page) {
        if (signal.aborted) return
        await leaveAll(userId, userNid)
        after = userNid
      }
      if (page.length < PAGE) return
    }
  }
}
