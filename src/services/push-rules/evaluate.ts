import type { CompiledRules } from './compiled-rules.ts'
import type { Outcome, PushUser } from './plan.ts'
import type { PushEvent } from './push-event.ts'

export interface Judged extends PushUser {
  rules: CompiledRules
}

/**
 * What an event does for each of these users, for those whom it notifies. One pass: users who share a rule set (most
 * have the predefined one) share its verdict, and only rules that name the user are looked at for each.
 */
export function evaluate<User extends Judged>(event: PushEvent, users: Iterable<User>): Map<User, Outcome> {
  const notified = new Map<User, Outcome>()
  for (const user of users) {
    const outcome = event.planFor(user.rules).decide(user)
    if (outcome.notify) notified.set(user, outcome)
  }
  return notified
}
