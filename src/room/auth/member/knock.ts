import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'

/** Rule 5.7, since version 7. */
export function authorizeKnock(auth: AuthCase, target: string): Verdict {
  const { pdu, joinRule, version } = auth
  // Rule 5.7.1; 'knock_restricted' since version 10.
  if (joinRule !== 'knock' && !(joinRule === 'knock_restricted' && version.knockRestricted)) {
    return 'The room cannot be knocked on'
  }
  // Rule 5.7.2.
  if (pdu.sender !== target) return 'Nobody can knock for another'
  // Rules 5.7.3 and 5.7.4.
  const membership = auth.membershipOf(target)
  if (membership === 'ban') return 'The user is banned'
  return membership === 'invite' || membership === 'join' ? 'The user is invited or in the room already' : undefined
}
