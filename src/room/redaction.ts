import { isObject, type JsonObject } from '../matrix/json.ts'
import type { Pdu } from './event.ts'
import type { RoomVersion } from './versions.ts'

const KEPT = [
  'event_id',
  'type',
  'room_id',
  'sender',
  'state_key',
  'content',
  'hashes',
  'signatures',
  'depth',
  'prev_events',
  'auth_events',
  'origin_server_ts',
]
const KEPT_BEFORE_11 = [...KEPT, 'origin', 'membership', 'prev_state']

const POWER_LEVELS = ['ban', 'events', 'events_default', 'kick', 'redact', 'state_default', 'users', 'users_default']

/**
 * The event with only what no redaction takes away (spec: rooms/, Redactions). Hashes and signatures are made of this,
 * so it also drops `unsigned`. Leaves the event itself as it is.
 */
export function redact(pdu: Pdu, version: RoomVersion): Pdu {
  const kept: Record<string, unknown> = {}
  for (const key of version.redaction11 ? KEPT : KEPT_BEFORE_11) {
    if (Object.hasOwn(pdu, key)) kept[key] = pdu[key]
  }
  kept.content = redactContent(pdu.type, pdu.content, version)
  return kept as Pdu
}

function redactContent(type: string, content: JsonObject, version: RoomVersion): JsonObject {
  switch (type) {
    case 'm.room.member':
      return redactMember(content, version)
    case 'm.room.create':
      return version.redaction11 ? content : pick(content, ['creator'])
    case 'm.room.join_rules':
      return pick(content, version.restricted ? ['join_rule', 'allow'] : ['join_rule'])
    case 'm.room.power_levels':
      return pick(content, version.redaction11 ? [...POWER_LEVELS, 'invite'] : POWER_LEVELS)
    case 'm.room.history_visibility':
      return pick(content, ['history_visibility'])
    case 'm.room.aliases':
      return version.aliasesRule ? pick(content, ['aliases']) : {}
    case 'm.room.redaction':
      return version.redaction11 ? pick(content, ['redacts']) : {}
    default:
      return {}
  }
}

function redactMember(content: JsonObject, version: RoomVersion): JsonObject {
  const kept = pick(
    content,
    version.keepsJoinAuthorised ? ['membership', 'join_authorised_via_users_server'] : ['membership'],
  )
  const invite = content.third_party_invite
  if (version.redaction11 && isObject(invite)) kept.third_party_invite = pick(invite, ['signed'])
  return kept
}

function pick(from: JsonObject, keys: readonly string[]): JsonObject {
  const picked: JsonObject = {}
  for (const key of keys) if (Object.hasOwn(from, key)) picked[key] = from[key]
  return picked
}
