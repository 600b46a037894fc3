import { type Db, transact } from '../../../storage/db.ts'
import { deleteOutOfSight, listSights } from '../../../storage/keys/remote-lists.ts'
import { nameNids } from '../../../storage/names.ts'
import { pages } from '../../../util/pages.ts'

const PAGE = 20

/** Forgets the device lists of other servers' users with whom no room is shared any more, a page of them at a time. */
export async function forgetOutOfSight(db: Db, serverName: string): Promise<void> {
  const ownNid = (await nameNids(db, [serverName])).get(serverName) ?? 0
  const read = (last?: { user_nid: number }) => listSights(db, ownNid, last?.user_nid ?? 0, PAGE)
  for await (const page of pages(PAGE, read)) {
    const gone = page.flatMap((list) => (list.in_sight === 1 ? [] : list.user_nid))
    if (gone.length > 0) await transact(db, (tx) => deleteOutOfSight(tx, ownNid, gone))
  }
}
