import type { Accounts } from '../services/accounts/accounts.ts'
import { leaveDeactivated } from '../services/accounts/leave-deactivated.ts'
import type { Profiles } from '../services/profiles/profiles.ts'
import { propagateProfiles } from '../services/profiles/propagate-profiles.ts'
import type { Append } from '../services/rooms/append.ts'
import type { Memberships } from '../services/rooms/membership/membership.ts'
import { refreshDirectory } from '../services/user-directory/refresh-directory.ts'
import { MAX_REMOTE_AT_ONCE } from '../services/user-directory/remote-users.ts'
import type { Ground } from './ground.ts'

/** What follows in rooms, in the background, from changes of accounts and profiles. */
export function composeAccountRooms(
  { db, backlog }: Ground,
  { accounts, profiles }: { accounts: Accounts; profiles: Profiles },
  { append, memberships }: { append: Append; memberships: Memberships },
) {
  const profileOf = profiles.profileOf.bind(profiles)
  const showProfile = memberships.showProfile.bind(memberships)
  const leaveAll = memberships.leaveAll.bind(memberships)
  const profilePropagation = backlog('carrying profiles into rooms', (signal) =>
    propagateProfiles({ db, profileOf, showProfile }, signal),
  )
  profiles.onQueued(() => profilePropagation.wake())
  const deactivations = backlog('taking deactivated accounts out of rooms', (signal) =>
    leaveDeactivated({ db, leaveAll }, signal),
  )
  accounts.onDeactivated(() => deactivations.wake())
  const directoryRefresh = backlog('bringing the user directory up to date', (signal) => refreshDirectory(db, signal))
  append.onAppended(({ changes }) => {
    if (changes.length > MAX_REMOTE_AT_ONCE || changes.some(({ event }) => event?.stateKey === '')) {
      directoryRefresh.wake()
    }
  })
  return { profilePropagation, deactivations, directoryRefresh }
}
