import type { Typing } from '../../typing.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, roomsInScope, roomsText } from './extension.ts'

/** Who is typing in the rooms of the answer (MSC3961). What a client missed of a room out of sight is over by now. */
export class TypingExtension implements Extension {
  readonly #typing: Typing

  constructor(typing: Typing) {
    this.#typing = typing
  }

  async answer(context: ExtensionContext): Promise<ExtensionAnswer> {
    const { request, from, answers } = context
    const texts = new Map<string, string>()
    for (const { mine } of roomsInScope(context, request.extensions.typing)) {
      if (mine.membership !== 'join') continue
      const isNew = !from || answers.get(mine.roomNid)?.isFresh === true
      const users = this.#typing.changedSince(mine.roomId, isNew ? 0 : from.n)
      if (!users || (isNew && users.length === 0)) continue
      texts.set(mine.roomId, `{"type":"m.typing","content":{"user_ids":${JSON.stringify(users)}}}`)
    }
    return roomsText('typing', texts)
  }
}
