import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'

/** Rule 5.6. */
export function authorizeBan(auth: AuthCase, target: string): Verdict {
  const { pdu, levels } = auth
  // Rule 5.6.1.
  if (auth.membershipOf(pdu.sender) !== 'join') return 'The sender is not in the room'
  const senderLevel = levels.userLevel(pdu.sender)
  // Rules 5.6.2 and 5.6.3.
  return senderLevel >= levels.ban && levels.userLevel(target) < senderLevel
    ? undefined
    : 'The sender may not ban this user'
}
