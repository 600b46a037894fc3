import type { Db } from '../../storage/db.ts'
import { namesOf } from '../../storage/names.ts'
import type { StateChange } from '../../storage/rooms/current-state.ts'
import { listChangedRooms } from '../../storage/sync.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import { ChangeIndex } from '../change-index.ts'
import type { Appended } from '../rooms/append.ts'
import type { Stream } from '../stream.ts'

interface Deps {
  db: Db
  stream: Stream
  /** When receipts of rooms last changed. */
  receipts: ChangeIndex<number>
}

/** When rooms last changed. */
export class RoomChanges {
  readonly #deps: Deps
  readonly #events: ChangeIndex<number>
  readonly #state: ChangeIndex<number>

  constructor(deps: Deps) {
    this.#deps = deps
    this.#events = new ChangeIndex(deps.stream.current)
    this.#state = new ChangeIndex(deps.stream.current)
  }

  /** For `Append`: what changed in a room. */
  onAppended({ room, changes }: Appended): void {
    const { current } = this.#deps.stream
    this.#events.note(room.nid, current)
    if (changes.length > 0) this.#state.note(room.nid, current)
  }

  /** Tells for the user's joined rooms whether events or receipts came after a position. */
  after(userNid: number, pos: number): Awaitable<(roomNid: number) => boolean> {
    const { receipts } = this.#deps
    if (this.#events.covers(pos) && receipts.covers(pos)) {
      return (roomNid) => this.#events.mayHaveChanged(roomNid, pos) || receipts.mayHaveChanged(roomNid, pos)
    }
    // Memory does not reach that far back, for instance after a restart.
    return listChangedRooms(this.#deps.db, userNid, pos).then((changed) => (roomNid) => changed.has(roomNid))
  }

  mayHaveChangedState(roomNid: number, after: number): boolean {
    return this.#state.mayHaveChanged(roomNid, after)
  }

  /** Whether one of the changes is of one of these types. */
  async concern(changes: readonly StateChange[], types: ReadonlySet<string>): Promise<boolean> {
    const names = await namesOf(this.#deps.db, new Set(changes.map((change) => change.type_nid)))
    return [...names.values()].some((name) => types.has(name))
  }
}
