import type { UserId } from '../../matrix/ids.ts'
import { listDeactivated } from '../../storage/accounts/accounts.ts'
import type { Db } from '../../storage/db.ts'
import { pages } from '../../util/pages.ts'

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
  // Most of all that ever were deactivated are in no room any more.
  const read = (last?: { userNid: number }) => listDeactivated(db, last?.userNid ?? 0, PAGE)
  for await (const page of pages(PAGE, read)) {
    for (const { userId, userNid, isMember } of page) {
      if (signal.aborted) return
      if (isMember) await leaveAll(userId, userNid)
    }
  }
}
