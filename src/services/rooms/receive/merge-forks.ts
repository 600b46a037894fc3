import { MatrixError } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'

/** A room with more ends than these gets them merged: every further event has to look at all of them. */
const MAX_EXTREMITIES = 10
/** Merges in a row: each joins ten ends. */
const MAX_MERGES = 10
const TYPE = 'org.matrix.dummy_event'

/** Keeps the forward extremities of a room few, by events of one of our users that say nothing. */
export async function mergeForks(append: Append, room: LiveRoom): Promise<void> {
  for (let merges = 0; merges < MAX_MERGES && room.extremities.length > MAX_EXTREMITIES; merges++) {
    const sender = await senderIn(room)
    if (!sender) return
    try {
      await append.send(room.roomId, { draft: { type: TYPE, sender, content: {} } })
    } catch (error) {
      // Whoever was to send it has just lost the power to.
      if (error instanceof MatrixError) return
      throw error
    }
  }
}

async function senderIn(room: LiveRoom): Promise<UserId | undefined> {
  const levels = await room.powerLevels()
  const needed = levels.eventLevel(TYPE, false)
  for (const userId of room.localJoined) if (levels.userLevel(userId) >= needed) return userId
  return undefined
}
