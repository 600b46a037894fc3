import { MatrixError } from '../../matrix/errors.ts'
import type { RoomId, UserId } from '../../matrix/ids.ts'
import * as table from '../../storage/accounts/profiles.ts'
import { type Db, transact } from '../../storage/db.ts'
import type { MemberProfile } from '../rooms/membership/member-profile.ts'

interface Deps {
  readonly db: Db
  profileOf(userId: UserId): Promise<MemberProfile>
  /** Has the user's member event in this room show the profile. */
  showProfile(roomId: RoomId, userId: UserId, profile: MemberProfile): Promise<void>
}

/** Rooms of one user that are written at once. */
const ROOMS_AT_ONCE = 8
const USERS_PAGE = 50
/** How often it is tried when the member event changes at the same moment. */
const ATTEMPTS = 3

/**
 * Carries changes of profiles into the member events of the rooms: some rooms of each user in turn, so that nobody waits
 * for somebody who is in a thousand rooms. The queue is a table: a restart goes on where it stopped.
 */
export async function propagateProfiles(deps: Deps, signal: AbortSignal): Promise<void> {
  for (let after = -1; ; ) {
    const users = await table.listPropagations(deps.db, after, USERS_PAGE)
    if (users.length === 0 && after === -1) return
    for (const user of users) {
      if (signal.aborted) return
      await showInSomeRooms(deps, user)
    }
    // Behind the last user the round begins anew, with those who are not through.
    after = users.length < USERS_PAGE ? -1 : (users.at(-1)?.userNid ?? -1)
  }
}

async function showInSomeRooms(deps: Deps, user: table.Propagation): Promise<void> {
  const { db, profileOf } = deps
  const { userNid, userId, afterRoomNid } = user
  const rooms = await table.listJoinedRooms(db, userNid, afterRoomNid, ROOMS_AT_ONCE)
  const profile = await profileOf(userId)
  await Promise.all(rooms.map(({ roomId }) => show(deps, roomId, userId, profile)))
  const last = rooms.at(-1)
  await transact(db, (tx) =>
    last && rooms.length === ROOMS_AT_ONCE
      ? table.updatePropagation(tx, user, last.roomNid)
      : table.deletePropagation(tx, user),
  )
}

/** A room that does not let the user change the event is passed over. */
async function show({ showProfile }: Deps, roomId: RoomId, userId: UserId, profile: MemberProfile): Promise<void> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await showProfile(roomId, userId, profile)
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      if (error.errcode !== 'M_BAD_STATE') return
    }
  }
}
