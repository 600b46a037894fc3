import type { ProfileNews } from '../profiles/profile-news.ts'
import { type Contribution, isNewlyJoined, NOTHING_NEW, type SyncContext, type SyncSection } from './request.ts'

/** The `users` of an answer: fields of profiles that the client's filter names (MSC4429). */
export class ProfilesSection implements SyncSection {
  readonly #news: ProfileNews

  constructor(news: ProfileNews) {
    this.#news = news
  }

  async contribute(context: SyncContext): Promise<Contribution> {
    const { filter, viewer, since, upTo, rooms } = context
    if (!filter.profiles) return NOTHING_NEW
    const { name, fields } = filter.profiles
    const news = await this.#news.of({
      viewerNid: viewer.userNid,
      after: since?.pos,
      upTo: upTo.pos,
      fields,
      rooms: [...rooms.values()],
      isNew: (room) => since === undefined || isNewlyJoined(context, room),
    })
    if (news.size === 0) return NOTHING_NEW
    const users = [...news].map(([userId, updates]) => {
      const texts = [...updates].map(([field, value]) => `${JSON.stringify(field)}:${value}`)
      return `${JSON.stringify(userId)}:{"profile_updates":{${texts.join(',')}}}`
    })
    return { text: `"${name}":{${users.join(',')}}`, isNews: true }
  }
}
