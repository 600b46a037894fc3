import type { Awaitable } from '../../util/awaitable.ts'
import type { ProfileNews } from '../profiles/profile-news.ts'
import type { Filter } from './filter.ts'
import { type Contribution, isNewlyJoined, NOTHING_NEW, type SyncContext, type SyncSection } from './request.ts'

/** The `users` of an answer: fields of profiles that the client's filter names (MSC4429). */
export class ProfilesSection implements SyncSection {
  readonly #news: ProfileNews

  constructor(news: ProfileNews) {
    this.#news = news
  }

  contribute(context: SyncContext): Awaitable<Contribution> {
    const { profiles } = context.filter
    return profiles ? this.#tell(context, profiles) : NOTHING_NEW
  }

  async #tell(context: SyncContext, { name, fields }: NonNullable<Filter['profiles']>): Promise<Contribution> {
    const { viewer, since, upTo, rooms } = context
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
