import type { ProfileNews } from '../../profiles/profile-news.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, NOTHING, roomsInScope } from './extension.ts'

/**
 * Fields of profiles (MSC4262): of everybody in the rooms of the answer that the client begins with, and what changes in
 * those of whom the user shares any room with.
 */
export class ProfilesExtension implements Extension {
  readonly #news: ProfileNews

  constructor(news: ProfileNews) {
    this.#news = news
  }

  async answer(context: ExtensionContext): Promise<ExtensionAnswer> {
    const { request, viewer, from, upTo, rooms, answers } = context
    const asked = request.extensions.profiles
    if (!asked) return NOTHING
    const begun = new Set(
      roomsInScope(context, asked.scope)
        .map(({ mine }) => mine.roomNid)
        .filter((roomNid) => answers.get(roomNid)?.isFresh),
    )
    const news = await this.#news.of({
      viewerNid: viewer.userNid,
      after: from?.pos,
      upTo: upTo.pos,
      fields: asked.fields,
      rooms: [...rooms.values()],
      isNew: ({ roomNid }) => begun.has(roomNid),
    })
    if (news.size === 0) return NOTHING
    const users = [...news].map(([userId, updates]) => `${JSON.stringify(userId)}:${userText(updates)}`)
    return { text: `"${asked.name}":{"users":{${users.join(',')}}}`, isNews: true }
  }
}

function userText(updates: ReadonlyMap<string, string | null>): string {
  const updated: string[] = []
  const removed: string[] = []
  for (const [field, value] of updates) {
    if (value === null) removed.push(field)
    else updated.push(`${JSON.stringify(field)}:${value}`)
  }
  const parts: string[] = []
  if (updated.length > 0) parts.push(`"updated":{${updated.join(',')}}`)
  if (removed.length > 0) parts.push(`"removed":${JSON.stringify(removed)}`)
  return `{${parts.join(',')}}`
}
