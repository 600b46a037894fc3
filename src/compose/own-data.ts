import type { Config } from '../config/schema.ts'
import type { UserId } from '../matrix/ids.ts'
import { AccountData } from '../services/account-data/account-data.ts'
import { IgnoredUsers } from '../services/account-data/ignored-users.ts'
import { InviteRules } from '../services/account-data/invite-rules.ts'
import { Tags } from '../services/account-data/tags.ts'
import { Filters } from '../services/filters.ts'
import { PushRules } from '../services/push-rules/push-rules.ts'
import { UserRooms } from '../services/sync/user-rooms.ts'
import { ThreadFollowing } from '../services/threads/thread-following.ts'
import { nameNids } from '../storage/names.ts'
import type { Ground } from './ground.ts'
import { noticesUserOf } from './settings.ts'

/** What users keep on the server for themselves, and what it says about others: whom they ignore, who may invite. */
export function composeOwnData(config: Config, { db, stream, hub }: Ground) {
  const accountData = new AccountData({ db, stream, hub })
  const userNidOf = async (userId: UserId) => (await nameNids(db, [userId])).get(userId)
  const ignoredUsers = new IgnoredUsers({ accountData, userNidOf })
  return {
    accountData,
    tags: new Tags(accountData),
    ignoredUsers,
    inviteRules: new InviteRules({ accountData, userNidOf, ignoredUsers, noticesUser: noticesUserOf(config) }),
    pushRules: new PushRules({ db, stream, hub }),
    filters: new Filters(db),
    threadFollowing: new ThreadFollowing({ db, stream, hub }),
    userRooms: new UserRooms({ db, stream }),
  }
}
