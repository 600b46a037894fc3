import type { RoomEvent, StateLookup, Verdict } from '../event.ts'
import { stateOwner } from '../state-owner.ts'
import type { RoomVersion } from '../versions.ts'
import { authorizeAliases } from './aliases.ts'
import { AuthCase } from './auth-case.ts'
import { authorizeCreate } from './create.ts'
import { contentOf, haveSameDomain } from './fields.ts'
import { authorizeMember } from './member/member.ts'
import { authorizePowerLevels } from './power-levels.ts'
import { authorizeRedaction } from './redaction.ts'

/**
 * Whether the state before an event allows it (spec: rooms/, Authorisation rules). `authTypesFor` says which entries of
 * the state are asked. Rules are quoted by their numbers in version 12; where an older version counts or says otherwise,
 * the comment says so. Versions 6 to 11 have neither rule 2 nor the rule on aliases, so that they count one less from
 * rule 3 on.
 *
 * What else the specification lists among the rules stands elsewhere: rules 2 and 3 in `checkAuthEvents`, because they
 * ask the events that this one names and not the state; signatures (and with them rule 5.2) where an event is received.
 * Never throws, whatever JSON the events are made of.
 */
export function authorize(event: RoomEvent, state: StateLookup, version: RoomVersion): Verdict {
  const { type, sender, state_key: stateKey } = event.pdu
  if (typeof type !== 'string' || typeof sender !== 'string') return 'The event has no type or no sender'

  // Rule 1.
  if (type === 'm.room.create') return authorizeCreate(event, version)

  const create = state('m.room.create', '')
  if (!create) return 'The room has no create event'
  // Rule 4.
  if (contentOf(create.pdu)['m.federate'] === false && !haveSameDomain(sender, create.pdu.sender)) {
    return 'The room does not federate'
  }

  const auth = new AuthCase(event, create, state, version)
  // Rule 4 of versions 1 to 5.
  if (type === 'm.room.aliases' && version.aliasesRule) return authorizeAliases(auth)
  // Rule 5.
  if (type === 'm.room.member') return authorizeMember(auth)
  // Rule 6.
  if (auth.membershipOf(sender) !== 'join') return 'The sender is not in the room'

  const { levels } = auth
  const senderLevel = levels.userLevel(sender)
  // Rule 7.
  if (type === 'm.room.third_party_invite') {
    return senderLevel >= levels.invite ? undefined : 'The sender may not invite'
  }
  // Rule 8.
  if (levels.eventLevel(type, stateKey !== undefined) > senderLevel) {
    return `The sender's power level does not suffice to send ${type}`
  }
  // Rule 9.
  if (typeof stateKey === 'string' && stateKey.startsWith('@') && stateKey !== sender) {
    if (!version.ownedState) return 'The state key is the id of another user'
    const owner = stateOwner(stateKey)
    if (owner === undefined) return 'The state key begins with no user id'
    if (owner !== sender && senderLevel <= levels.userLevel(owner)) return 'The state is that of another user'
  }
  // Rule 10.
  if (type === 'm.room.power_levels') return authorizePowerLevels(auth)
  // Rule 11 of versions 1 and 2.
  if (type === 'm.room.redaction' && version.redactionAuthRule) return authorizeRedaction(auth)
  // Rule 11.
  return undefined
}
