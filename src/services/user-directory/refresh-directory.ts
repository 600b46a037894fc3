import { skimPdu } from '../../room/event.ts'
import * as table from '../../storage/accounts/user-directory.ts'
import { type Db, transact } from '../../storage/db.ts'
import { Turn } from '../../util/turn.ts'
import { indexRemoteUser } from './remote-users.ts'

// Each member of another server is a dozen rows.
const MEMBERS_AT_ONCE = 50

/**
 * Has the members of large rooms appear in the directory, or disappear, after a room was opened or closed; and those of
 * other servers, after a room was joined in which there are many. The queue is a table: a restart goes on where it stopped.
 */
export async function refreshDirectory(db: Db, signal: AbortSignal): Promise<void> {
  const turn = new Turn()
  for (;;) {
    const refresh = await table.findRefresh(db)
    if (!refresh || signal.aborted) return
    const members = await table.listJoinedNids(db, refresh.roomNid, refresh.afterUserNid, MEMBERS_AT_ONCE)
    const last = members.at(-1)
    const remote = await table.listRemoteMembers(db, refresh.roomNid, members)
    await transact(db, async (tx) => {
      for (const { userNid, userId, json } of remote) {
        await indexRemoteUser(tx, { userNid, userId, content: skimPdu(json).content })
      }
      await table.refreshOpen(tx, members)
      if (last === undefined || members.length < MEMBERS_AT_ONCE) await table.deleteRefresh(tx, refresh)
      else await table.updateRefresh(tx, refresh, last)
    })
    if (turn.isOver) await turn.give()
  }
}
