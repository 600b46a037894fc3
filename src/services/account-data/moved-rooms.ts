import type { RoomId, UserId } from '../../matrix/ids.ts'
import { Turn } from '../../util/turn.ts'
import { Backlog } from '../backlog.ts'
import type { PushRules } from '../push-rules/push-rules.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { Owner } from './account-data.ts'
import type { Tags } from './tags.ts'

interface Deps {
  readonly pushRules: PushRules
  readonly tags: Tags
  /** The numbers of these users. */
  userNidsOf(userIds: Iterable<UserId>): Promise<Map<UserId, number>>
  onFailure(error: unknown): void
}

interface Move {
  from: { nid: number; roomId: RoomId }
  to: { nid: number; roomId: RoomId }
  members: readonly UserId[]
}

/** Lets what members have set for a room move along to its replacement: their push rules for it and their tags. */
export class MovedRooms {
  readonly #deps: Deps
  readonly #moves: Move[] = []
  readonly #backlog: Backlog

  constructor(deps: Deps) {
    this.#deps = deps
    this.#backlog = new Backlog({ work: (signal) => this.#work(signal), onFailure: deps.onFailure })
  }

  /** A room of these members has been replaced. */
  onReplaced(from: LiveRoom, to: LiveRoom, members: readonly UserId[]): void {
    this.#moves.push({ from, to, members })
    this.#backlog.wake()
  }

  close(): Promise<void> {
    return this.#backlog.close()
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { userNidsOf, onFailure } = this.#deps
    const turn = new Turn()
    for (let move = this.#moves.shift(); move && !signal.aborted; move = this.#moves.shift()) {
      for (const [userId, userNid] of await userNidsOf(move.members)) {
        await this.#move({ userId, userNid }, move).catch(onFailure)
        if (turn.isOver) await turn.give()
      }
    }
  }

  async #move(owner: Owner, { from, to }: Move): Promise<void> {
    const { pushRules, tags } = this.#deps
    await pushRules.carryOver(owner, from.roomId, to.roomId)
    await tags.carryOver(owner, from.nid, to.nid)
  }
}
