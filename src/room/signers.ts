import { serverOf } from '../matrix/ids.ts'
import { isObject } from '../matrix/json.ts'
import type { Pdu } from './event.ts'
import type { RoomVersion } from './versions.ts'

/**
 * The servers whose valid signatures an event needs (server-server API: Validating hashes and signatures; rooms/v8).
 * None for an invite by e-mail or telephone number: whichever server the invited user has may send it, and its
 * authorisation rule asks for the identity server's signature instead.
 */
export function requiredSigners(pdu: Pdu, version: RoomVersion): Set<string> {
  const servers = new Set<string>()
  if (!isThirdPartyInvite(pdu)) servers.add(serverOf(pdu.sender))
  if (version.eventId === 'random') servers.add(serverOf(pdu.event_id ?? ''))
  const { content } = pdu
  if (version.restricted && isMembership(pdu, 'join') && Object.hasOwn(content, 'join_authorised_via_users_server')) {
    const authoriser = content.join_authorised_via_users_server
    // Nobody is called '': who names no user gets no signature.
    servers.add(typeof authoriser === 'string' ? serverOf(authoriser) : '')
  }
  return servers
}

const isMembership = ({ type, content }: Pdu, membership: string): boolean =>
  type === 'm.room.member' && content.membership === membership

const isThirdPartyInvite = (pdu: Pdu): boolean =>
  isMembership(pdu, 'invite') && isObject(pdu.content.third_party_invite)
