import type { Awaitable } from '../../util/awaitable.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { IgnoredUsers } from '../account-data/ignored-users.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ThreadFollowing } from '../threads/thread-following.ts'
import type { CompiledRules } from './compiled-rules.ts'
import type { Outcome, PushUser } from './plan.ts'
import type { PushEvents } from './push-events.ts'
import type { PushRules } from './push-rules.ts'

interface Deps {
  readonly pushRules: PushRules
  readonly pushEvents: PushEvents
  readonly following: ThreadFollowing
  readonly ignoredUsers: IgnoredUsers
}

/** Judges single events for single users: what counting unread events and listing notifications share. */
export class Judge {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The rules of a user; the same object for as long as they do not change. */
  rulesOf(userNid: number): Awaitable<CompiledRules> {
    return this.#deps.pushRules.compiledOf(userNid)
  }

  /** Whom a user ignores; the same object for as long as that does not change, or memory holds it. */
  ignoredBy({ userId }: Owner): Awaitable<ReadonlySet<string>> {
    return this.#deps.ignoredUsers.of(userId)
  }

  /** What the event does for the user; nothing once it is redacted, or when the user ignores who sent it. */
  async judge(room: LiveRoom, event: StoredEvent, owner: Owner, rules: CompiledRules): Promise<Outcome | undefined> {
    if (event.row.sender_nid === owner.userNid || event.isRedacted) return undefined
    const { pushEvents, following } = this.#deps
    const pushEvent = await pushEvents.of(room, event)
    const plan = pushEvent.planFor(rules)
    const user: PushUser = { userId: owner.userId }
    if (plan.needsDisplayName) user.displayName = await displayNameIn(room, owner)
    if (plan.needsFollowing && pushEvent.thread !== undefined) {
      user.followsThread = await following.follows(owner.userNid, room.nid, pushEvent.thread)
    }
    const outcome = plan.decide(user)
    if (!outcome.notify || (await this.ignoredBy(owner)).has(event.sender)) return undefined
    return outcome
  }
}

async function displayNameIn(room: LiveRoom, { userId }: Owner): Promise<string | undefined> {
  const { displayname } = (await room.stateEvent('m.room.member', userId))?.pdu.content ?? {}
  return typeof displayname === 'string' ? displayname : undefined
}
