import type { UserId } from '../../matrix/ids.ts'
import type { PushAction } from './rule.ts'

/** Whom an event is judged for. */
export interface PushUser {
  userId: UserId
  /** The user's display name in the room; needed only where the plan says so. */
  displayName?: string | undefined
  /** Whether the user follows the event's thread; undefined: the user follows no threads at all, as clients go. */
  followsThread?: boolean | undefined
}

/** What an event does for a user. */
export interface Outcome {
  readonly notify: boolean
  readonly highlight: boolean
  readonly actions: readonly PushAction[]
}

/** What an event yields for everybody with one rule set: one outcome, and the rules that come before it for some. */
export interface Plan {
  readonly needsDisplayName: boolean
  readonly needsFollowing: boolean
  decide(user: PushUser): Outcome
}
