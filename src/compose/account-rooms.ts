import type { Accounts } from '../services/accounts/accounts.ts'
import { Deactivations } from '../services/accounts/deactivations.ts'
import { ProfilePropagation } from '../services/profiles/profile-propagation.ts'
import type { Profiles } from '../services/profiles/profiles.ts'
import type { Append } from '../services/rooms/append.ts'
import type { Memberships } from '../services/rooms/membership.ts'
import { DirectoryRefresh } from '../services/user-directory/directory-refresh.ts'
import { MAX_REMOTE_AT_ONCE } from '../services/user-directory/remote-users.ts'
import type { Ground } from './ground.ts'

/** What follows in rooms, in the background, from changes of accounts and profiles. */
export function composeAccountRooms(
  { db, log, lifetime }: Ground,
  { accounts, profiles }: { accounts: Accounts; profiles: Profiles },
  { append, memberships }: { append: Append; memberships: Memberships },
) {
  const profilePropagation = new ProfilePropagation({
    db,
    profileOf: (userId) => profiles.profileOf(userId),
    showProfile: (roomId, userId, profile) => memberships.showProfile(roomId, userId, profile),
    onFailure: (err) => log.error({ err }, 'carrying profiles into rooms failed'),
  })
  profiles.onQueued(() => profilePropagation.wake())
  lifetime.add(profilePropagation)
  const deactivations = new Deactivations({
    db,
    leaveAll: (userId, userNid) => memberships.leaveAll(userId, userNid),
    onFailure: (err) => log.error({ err }, 'taking deactivated accounts out of rooms failed'),
  })
  accounts.onDeactivated(() => deactivations.wake())
  lifetime.add(deactivations)
  const directoryRefresh = new DirectoryRefresh({
    db,
    onFailure: (err) => log.error({ err }, 'bringing the user directory up to date failed'),
  })
  append.onAppended(({ changes }) => {
    if (changes.length > MAX_REMOTE_AT_ONCE || changes.some(({ event }) => event?.stateKey === '')) {
      directoryRefresh.wake()
    }
  })
  lifetime.add(directoryRefresh)
  return { profilePropagation, deactivations, directoryRefresh }
}
