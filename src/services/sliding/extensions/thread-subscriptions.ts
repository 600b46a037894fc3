import { changesText, pageToken } from '../../threads/subscription-changes.ts'
import type { ThreadFollowing } from '../../threads/thread-following.ts'
import { type Extension, type ExtensionAnswer, type ExtensionContext, NOTHING } from './extension.ts'

/** Which threads the user has begun or ceased to follow (MSC4308): the newest changes, and where the others are. */
export class ThreadSubscriptionsExtension implements Extension {
  readonly #following: ThreadFollowing

  constructor(following: ThreadFollowing) {
    this.#following = following
  }

  async answer({ request, viewer, from, upTo }: ExtensionContext): Promise<ExtensionAnswer> {
    const asked = request.extensions.threadSubscriptions
    if (!asked) return NOTHING
    // One more than is shown tells whether there are others.
    const found = await this.#following.changed(viewer.userNid, from?.pos ?? 0, upTo.pos, asked.limit + 1)
    const changes = found.slice(0, asked.limit)
    const last = changes.at(-1)
    if (!last) return NOTHING
    const fields = changesText(changes)
    if (found.length > changes.length) fields.push(`"prev_batch":"${pageToken(last)}"`)
    return { text: `"io.element.msc4308.thread_subscriptions":{${fields.join(',')}}`, isNews: true }
  }
}
