import type { RoomId } from '../../../matrix/ids.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, eventsById } from '../../../storage/rooms/events.ts'
import type { Append } from '../append.ts'
import type { Entry, StateEdit } from '../entry.ts'
import { type Incoming, toStored } from '../receive/incoming.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
}

/** A membership of one of our users in a room that we are not in: an invite, a knock, or the end of one. */
export interface OutsideMembership {
  readonly roomId: RoomId
  readonly version: RoomVersion
  readonly event: Incoming
  /** What the user is told of the room, as JSON text. */
  readonly strippedState?: string | undefined
}

/** Notes the membership; false where we are in the room, so that it comes in with the room's other events. */
export async function noteOutside({ db, append }: Deps, membership: OutsideMembership): Promise<boolean> {
  const { roomId, version, event: incoming, strippedState } = membership
  await append.learnOf(roomId, version)
  let isNoted = true
  await append.write(roomId, async (room) => {
    isNoted = room.localJoined.size === 0
    if (!isNoted || (await eventsById(db, [incoming.eventId])).length > 0) return undefined
    const event = toStored(incoming, room, EVENT_KIND.outlier)
    const entry: Entry = {
      event,
      authEvents: [],
      before: undefined,
      txn: undefined,
      redacts: undefined,
      strippedState,
      isOutside: true,
    }
    const edit: StateEdit = { event, replaces: await room.stateEvent('m.room.member', event.stateKey ?? '') }
    return {
      room,
      entries: [entry],
      state: { on: room.stateNid, edits: [edit] },
      changes: [{ edit, at: entry }],
      extremities: { removed: [], added: [] },
    }
  })
  return isNoted
}
