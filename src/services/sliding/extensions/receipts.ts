import type { Receipts } from '../../receipts.ts'
import { LIVE, toldUpTo } from '../connection.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, roomsInScope, roomsText } from './extension.ts'

/** Who has read what in the rooms of the answer (MSC3960). */
export class ReceiptsExtension implements Extension {
  readonly #receipts: Receipts

  constructor(receipts: Receipts) {
    this.#receipts = receipts
  }

  async answer(context: ExtensionContext): Promise<ExtensionAnswer> {
    const { request, from, draft } = context
    const texts = new Map<string, string>()
    const inScope = new Set<number>()
    for (const { mine } of roomsInScope(context, request.extensions.receipts)) {
      if (mine.membership !== 'join') continue
      inScope.add(mine.roomNid)
      const text = await this.#ofRoom(context, mine.roomNid)
      if (text !== undefined) texts.set(mine.roomId, text)
      draft.tell(mine.roomNid, 'receipts', LIVE)
    }
    if (from) this.#leaveBehind(context, from.pos, inScope)
    return roomsText('receipts', texts)
  }

  /** What changed since the client was told; where it gets the timeline anew, also the receipts of those events. */
  async #ofRoom(
    { viewer, from, upTo, answers, draft }: ExtensionContext,
    roomNid: number,
  ): Promise<string | undefined> {
    const answer = answers.get(roomNid)
    const after = toldUpTo(draft.rooms.get(roomNid)?.receipts, from?.pos ?? 0)
    if (answer?.isFresh || after === undefined) {
      return this.#receipts.of(roomNid, viewer.userNid, answer?.eventIds ?? [], upTo.pos, after)
    }
    return this.#receipts.changedIn(roomNid, viewer.userNid, after, upTo.pos)
  }

  /** Of a room out of sight, what changed is told when it comes back. */
  #leaveBehind({ draft }: ExtensionContext, from: number, inScope: ReadonlySet<number>): void {
    for (const [roomNid, { receipts }] of draft.rooms) {
      if (receipts !== LIVE || inScope.has(roomNid)) continue
      if (this.#receipts.changes.mayHaveChanged(roomNid, from)) draft.tell(roomNid, 'receipts', from)
    }
  }
}
