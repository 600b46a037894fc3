import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { Pdu, RoomEvent } from '../event.ts'

/** Lazy accessors: each reads one field of an event that nobody has validated, and never throws. */

const NOTHING: JsonObject = Object.freeze({})

export const contentOf = (pdu: Pdu): JsonObject => (isObject(pdu.content) ? pdu.content : NOTHING)

/** The `membership` of a member event, `undefined` where it is no text. */
export const membershipOf = (pdu: Pdu): string | undefined => {
  const { membership } = contentOf(pdu)
  return typeof membership === 'string' ? membership : undefined
}

/** The part of an id behind its first colon; `undefined` if there is none. */
export const domainOf = (id: unknown): string | undefined => {
  if (typeof id !== 'string') return undefined
  const colon = id.indexOf(':')
  return colon < 0 ? undefined : id.slice(colon + 1)
}

/** Whether two ids name the same server; false where one of them is no id. */
export const haveSameDomain = (one: unknown, other: unknown): boolean => {
  const domain = domainOf(one)
  return domain !== undefined && domain === domainOf(other)
}

/** The ids of `prev_events`, also where the event is malformed. */
export const idsOf = (refs: unknown): unknown[] =>
  Array.isArray(refs) ? refs.map((ref: unknown) => (Array.isArray(ref) ? ref[0] : ref)) : []

/** Whether this is the state event at that key. */
export const isAt = (event: RoomEvent, type: string, stateKey: string): boolean =>
  event.pdu.type === type && event.pdu.state_key === stateKey

/** `content.third_party_invite.signed` of an invite, if it is there. */
export const signedOf = (content: JsonObject): JsonObject | undefined => {
  const invite = content.third_party_invite
  return isObject(invite) && isObject(invite.signed) ? invite.signed : undefined
}
