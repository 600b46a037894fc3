import type { UserId } from '../../matrix/ids.ts'
import { listUnfinishedDeactivations } from '../../storage/accounts/accounts.ts'
import type { Db } from '../../storage/db.ts'

interface Deps {
  readonly db: Db
  /** Leaves every room of a user; what cannot be left is passed over. */
  leaveAll(userId: UserId, userNid: number): Promise<void>
}

const PAGE = 50

/**
 * Takes deactivated accounts out of their rooms. What is left to do stands in the tables (they are deactivated and still
 * members), so a restart goes on where it stopped.
 */
export async function leaveDeactivated({ db, leaveAll }: Deps, signal: AbortSignal): Promise<void> {
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
