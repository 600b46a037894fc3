import type { RoomId, UserId } from '../matrix/ids.ts'
import type { Edus } from '../services/edus.ts'
import { takeEdus } from '../services/federation/incoming-edus.ts'
import type { Presence } from '../services/presence/presence.ts'
import type { Receipts } from '../services/receipts.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { Typing } from '../services/typing.ts'
import { transact } from '../storage/db.ts'
import { internName, nameNids } from '../storage/names.ts'
import type { Ground } from './ground.ts'

interface Takers {
  edus: Edus
  liveRooms: LiveRooms
  isFrozen: (roomId: RoomId) => boolean
  typing: Typing
  receipts: Receipts
  presence: Presence
}

/** What other servers tell us of their users beside events. */
export function composeIncoming(
  { db, clock }: Ground,
  { edus, liveRooms: rooms, isFrozen, typing, receipts, presence }: Takers,
): void {
  const ownerOf = async (userId: UserId) => {
    const known = (await nameNids(db, [userId])).get(userId)
    const userNid = known ?? (await transact(db, (tx) => internName(tx, userId)))
    return { userId, userNid }
  }
  takeEdus({ edus, rooms, isFrozen, typing, receipts, presence, now: () => clock.now(), ownerOf })
}
