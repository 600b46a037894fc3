import { LRUCache } from 'lru-cache'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { SentMembers } from '../sync/sent-members.ts'
import type { StateReader } from '../sync/state-reader.ts'
import type { Timeline } from '../sync/timeline.ts'
import { nameOf } from './connections.ts'
import type { RoomQuestion } from './room-answer.ts'

interface Deps {
  readonly state: StateReader
  readonly sentMembers: SentMembers
}

/** The numbers of the member events that an answer has of each room, by the room's number. */
export type GivenMembers = ReadonlyMap<number, readonly number[]>

/** Member events in answers that are on their way, over all connections. */
const MAX_ON_THE_WAY = 500_000
/** SentMembers: the device has them, whatever its position. */
const ARRIVED = 0

/** The members that a timeline needs, as far as the connection was not given them before. */
export class LazyMembers {
  readonly #deps: Deps
  // Of the last answer of each connection, by its name.
  readonly #onTheWay = new LRUCache<string, { readonly token: string; readonly given: GivenMembers }>({
    maxSize: MAX_ON_THE_WAY,
    sizeCalculation: ({ given }) => [...given.values()].reduce((count, nids) => count + nids.length, 1),
  })

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
    timeline: Timeline,
  ): Promise<StoredEvent[]> {
    const { state, sentMembers } = this.#deps
    const { viewer, request } = context
    const owner = nameOf({ deviceNid: viewer.deviceNid, connId: request.connId })
    // Behind a gap clients forget the members that they had (MSC4186: Lazy loaded memberships).
    if (isInitial || timeline.limited) sentMembers.forget(owner, room.nid)
    // By user: one who was put out is given how that stands now, not how it was when the room was left.
    const givenUsers = new Set(given.map(({ type, stateKey }) => (type === 'm.room.member' ? stateKey : undefined)))
    const found = await state.members(room, end, users, timeline.events)
    const members = found.filter(({ stateKey }) => !givenUsers.has(stateKey))
    return sentMembers.missing(owner, room.nid, members, ARRIVED)
  }

  /**
   * An answer with this token has these members. They count as given once the client comes back with that token, no other:
   * a client that gives an answer up may ask for other rooms in its place, and go on without ever having had them.
   */
  send(connection: string, token: string, given: GivenMembers): void {
    if (given.size === 0) this.#onTheWay.delete(connection)
    else this.#onTheWay.set(connection, { token, given })
  }

  /** The client has come back with this token. */
  arrive(connection: string, token: string): void {
    const sent = this.#onTheWay.get(connection)
    if (sent?.token !== token) return
    this.#onTheWay.delete(connection)
    for (const [roomNid, nids] of sent.given) this.#deps.sentMembers.note(connection, roomNid, nids, ARRIVED)
  }
}
