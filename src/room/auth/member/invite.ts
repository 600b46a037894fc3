import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'
import { authorizeThirdPartyInvite } from './third-party-invite.ts'

/** Rule 5.4. */
export function authorizeInvite(auth: AuthCase, target: string): Verdict {
  const { pdu, content, levels } = auth
  // Rule 5.4.1.
  if (content.third_party_invite !== undefined) return authorizeThirdPartyInvite(auth, target)
  // Rule 5.4.2.
  if (auth.membershipOf(pdu.sender) !== 'join') return 'The sender is not in the room'
  // Rule 5.4.3.
  const membership = auth.membershipOf(target)
  if (membership === 'join') return 'The user is in the room already'
  if (membership === 'ban') return 'The user is banned'
  // Rules 5.4.4 and 5.4.5.
  return levels.userLevel(pdu.sender) >= levels.invite ? undefined : 'The sender may not invite'
}
