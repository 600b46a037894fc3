import type { StateDraft } from '../connection.ts'
import type { Scope, SlidingContext, WantedRoom } from '../request.ts'
import type { RoomAnswer } from '../room-answer.ts'
import type { Windows } from '../windows.ts'

/** What an extension composes its part from. */
export interface ExtensionContext extends SlidingContext {
  readonly windows: Windows
  /** What was told of rooms in this answer. */
  readonly answers: ReadonlyMap<number, RoomAnswer>
  /** What the client has after this answer. */
  readonly draft: StateDraft
}

/** A part of an answer; `text` is empty when there is nothing to say. */
export interface ExtensionAnswer {
  /** `"to_device":{…}`, without braces or commas around. */
  readonly text: string
  /** Whether it is worth answering a long poll. */
  readonly isNews: boolean
}

export interface Extension {
  answer(context: ExtensionContext): Promise<ExtensionAnswer>
}

export const NOTHING: ExtensionAnswer = { text: '', isNews: false }

/** The rooms of the answer's windows and subscriptions that the client names for an extension. */
export function roomsInScope({ windows }: ExtensionContext, scope: Scope | undefined): WantedRoom[] {
  if (!scope) return []
  const { lists, rooms } = scope
  const allLists = lists.includes('*')
  const allRooms = rooms.includes('*')
  return [...windows.wanted.values()].filter(
    ({ mine, lists: matched, isSubscribed }) =>
      (isSubscribed && (allRooms || rooms.includes(mine.roomId))) ||
      (allLists ? matched.length > 0 : matched.some((name) => lists.includes(name))),
  )
}

/** `"<name>":{"rooms":{…}}` from the texts by room. */
export const roomsText = (name: string, texts: ReadonlyMap<string, string>): ExtensionAnswer => {
  if (texts.size === 0) return NOTHING
  const rooms = [...texts].map(([roomId, text]) => `${JSON.stringify(roomId)}:${text}`)
  return { text: `"${name}":{"rooms":{${rooms.join(',')}}}`, isNews: true }
}
