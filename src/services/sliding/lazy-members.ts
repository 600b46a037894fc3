import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { SentMembers } from '../sync/sent-members.ts'
import type { StateReader } from '../sync/state-reader.ts'
import type { RoomQuestion } from './room-answer.ts'

interface Deps {
  readonly state: StateReader
  readonly sentMembers: SentMembers
}

/** The members that a timeline needs, as far as the connection was not given them before. */
export class LazyMembers {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `given`: what the answer has of the state anyway. */
  async of(
    { context, isInitial }: RoomQuestion,
    room: LiveRoom,
    end: number,
    users: ReadonlySet<string>,
    given: readonly StoredEvent[],
    timeline: readonly StoredEvent[],
  ): Promise<StoredEvent[]> {
    const { state, sentMembers } = this.#deps
    const { viewer, request, from, upTo } = context
    const owner = `${viewer.deviceNid} ${request.connId}`
    if (isInitial) sentMembers.forget(owner, room.nid)
    const givenNids = new Set(given.map((event) => event.nid))
    const members = (await state.members(room, end, users, timeline)).filter((event) => !givenNids.has(event.nid))
    const missing = sentMembers.missing(owner, room.nid, members, from?.pos ?? 0)
    // An answer counts as arrived when the client comes back with its position. One whose position the client had before
    // tells nothing by that: it is waited for the next one.
    sentMembers.note(owner, room.nid, missing, from?.pos === upTo.pos ? upTo.pos + 1 : upTo.pos)
    return missing
  }
}
