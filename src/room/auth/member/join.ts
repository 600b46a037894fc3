import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'
import { contentOf, idsOf } from '../fields.ts'

/** Rule 5.3. */
export function authorizeJoin(auth: AuthCase, target: string): Verdict {
  const { pdu, version } = auth
  // Rule 5.3.1.
  if (isFirstJoin(auth, target)) return undefined
  // Rule 5.3.2.
  if (pdu.sender !== target) return 'Nobody can join for another'
  const membership = auth.membershipOf(target)
  // Rule 5.3.3.
  if (membership === 'ban') return 'The user is banned'

  const { joinRule } = auth
  const isInvited = membership === 'invite' || membership === 'join'
  // Rule 5.3.4; 'knock' since version 7.
  if (joinRule === 'invite' || (joinRule === 'knock' && version.knock)) {
    return isInvited ? undefined : 'The user is not invited'
  }
  // Rule 5.3.5, since version 8; 'knock_restricted' since version 10.
  if (
    (joinRule === 'restricted' && version.restricted) ||
    (joinRule === 'knock_restricted' && version.knockRestricted)
  ) {
    // Rules 5.3.5.1 to 5.3.5.3.
    return isInvited || isAuthorised(auth) ? undefined : 'Nobody who may invite has authorised the join'
  }
  // Rules 5.3.6 and 5.3.7.
  return joinRule === 'public' ? undefined : 'The room is not open to join'
}

/** The creator's join, right behind the create event. Additional creators need an invite like everyone else. */
function isFirstJoin({ pdu, create, version }: AuthCase, target: string): boolean {
  const prev = idsOf(pdu.prev_events)
  if (prev.length !== 1 || prev[0] !== create.eventId) return false
  return target === (version.implicitCreator ? create.pdu.sender : contentOf(create.pdu).creator)
}

/** Whether the user who let them in is in the room and may invite. That their server has signed is checked on receipt. */
function isAuthorised(auth: AuthCase): boolean {
  const authoriser = auth.content.join_authorised_via_users_server
  if (typeof authoriser !== 'string' || auth.membershipOf(authoriser) !== 'join') return false
  return auth.levels.userLevel(authoriser) >= auth.levels.invite
}
