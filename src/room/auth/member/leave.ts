import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'

/** Rule 5.5: leaving, refusing an invite, taking a knock back, kicking, lifting a ban. */
export function authorizeLeave(auth: AuthCase, target: string): Verdict {
  const { pdu, levels, version } = auth
  const membership = auth.membershipOf(target)
  // Rule 5.5.1; 'knock' since version 7.
  if (pdu.sender === target) {
    const canLeave = membership === 'invite' || membership === 'join' || (membership === 'knock' && version.knock)
    return canLeave ? undefined : 'The user is not in the room'
  }
  // Rule 5.5.2.
  if (auth.membershipOf(pdu.sender) !== 'join') return 'The sender is not in the room'
  const senderLevel = levels.userLevel(pdu.sender)
  // Rule 5.5.3.
  if (membership === 'ban' && senderLevel < levels.ban) return 'The sender may not lift bans'
  // Rules 5.5.4 and 5.5.5.
  return senderLevel >= levels.kick && levels.userLevel(target) < senderLevel
    ? undefined
    : 'The sender may not remove this user'
}
