import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'
import { membershipOf } from '../fields.ts'
import { authorizeBan } from './ban.ts'
import { authorizeInvite } from './invite.ts'
import { authorizeJoin } from './join.ts'
import { authorizeKnock } from './knock.ts'
import { authorizeLeave } from './leave.ts'

/** Rule 5 (4 in versions 6 to 11). Before version 8 there is no 5.2 and what follows counts one less. */
export function authorizeMember(auth: AuthCase): Verdict {
  const { pdu, version } = auth
  const membership = membershipOf(pdu)
  const target: unknown = pdu.state_key
  // Rule 5.1.
  if (typeof target !== 'string' || membership === undefined) return 'The event says of nobody what their membership is'
  // Rule 5.3.
  if (membership === 'join') return authorizeJoin(auth, target)
  // Rule 5.4.
  if (membership === 'invite') return authorizeInvite(auth, target)
  // Rule 5.5.
  if (membership === 'leave') return authorizeLeave(auth, target)
  // Rule 5.6.
  if (membership === 'ban') return authorizeBan(auth, target)
  // Rule 5.7, since version 7.
  if (membership === 'knock' && version.knock) return authorizeKnock(auth, target)
  // Rule 5.8.
  return 'The membership is unknown'
}
