import { notFound } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { prevEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { chunks } from '../../../util/chunks.ts'
import { Turn } from '../../../util/turn.ts'
import type { Append } from '../append.ts'
import type { Incoming } from './incoming.ts'
import { type Hints, type Outcome, ReceivedChain } from './received-chain.ts'
import { topological } from './topological.ts'

/** Events of one transaction: as many as a server sends at once. */
const MAX_AT_ONCE = 50

interface Deps {
  readonly db: Db
  readonly append: Append
}

/**
 * Judges events of other servers, whose signatures are in order, and appends those that can be judged (steps 4 to 6 of
 * the specification). Never asks other servers: what cannot be judged without them is `missing`. Gives the outcome of
 * each by its id.
 */
export async function receiveEvents(
  { db, append }: Deps,
  roomId: RoomId,
  events: readonly Incoming[],
  hints: Hints = {},
): Promise<Map<string, Outcome>> {
  const outcomes = new Map<string, Outcome>()
  const sorted = await topological(events, prevEventIds)
  for (const part of chunks(sorted, MAX_AT_ONCE)) {
    await append.write(roomId, async (room) => {
      if (hints.isWhileThere && room.localJoined.size === 0) throw notFound('No such room')
      const chain = await ReceivedChain.begin(db, room, part, hints)
      const turn = new Turn()
      for (const event of part) {
        outcomes.set(event.eventId, await chain.add(event))
        if (turn.isOver) await turn.give()
      }
      return chain.batch()
    })
  }
  return outcomes
}
