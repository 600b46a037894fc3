import { contentOf, membershipOf, signedOf } from './auth/fields.ts'
import type { Pdu } from './event.ts'
import type { RoomVersion } from './versions.ts'

/** A key of the room state: event type and state key. */
export type StateTuple = readonly [type: string, stateKey: string]

const CREATE: StateTuple = ['m.room.create', '']
const POWER_LEVELS: StateTuple = ['m.room.power_levels', '']
const JOIN_RULES: StateTuple = ['m.room.join_rules', '']

/** The state that gives an event's sender the permission to send it (server-server API: auth events selection). */
export function authTypesFor(pdu: Pdu, version: RoomVersion): StateTuple[] {
  if (pdu.type === 'm.room.create') return []
  // Since version 12 the room id stands for the create event, which must not be selected.
  const selected: StateTuple[] = version.createHashRoomId ? [POWER_LEVELS] : [CREATE, POWER_LEVELS]
  selected.push(['m.room.member', pdu.sender])
  if (pdu.type === 'm.room.member') selectForMember(pdu, version, selected)
  return selected
}

function selectForMember(pdu: Pdu, version: RoomVersion, selected: StateTuple[]): void {
  const addMember = (userId: string) => {
    if (!selected.some(([type, key]) => type === 'm.room.member' && key === userId)) {
      selected.push(['m.room.member', userId])
    }
  }
  const content = contentOf(pdu)
  const membership = membershipOf(pdu)
  if (typeof pdu.state_key === 'string') addMember(pdu.state_key)
  if (membership === 'join' || membership === 'invite' || membership === 'knock') selected.push(JOIN_RULES)
  if (membership === 'invite') {
    const token = signedOf(content)?.token
    if (typeof token === 'string') selected.push(['m.room.third_party_invite', token])
  }
  if (membership === 'join' && version.restricted) {
    const authoriser = content.join_authorised_via_users_server
    if (typeof authoriser === 'string') addMember(authoriser)
  }
}
