import { isEventId, serverOf } from '../../../matrix/ids.ts'
import type { Pdu, StateLookup } from '../../../room/event.ts'
import { PowerLevels } from '../../../room/power-levels.ts'
import type { RoomVersion } from '../../../room/versions.ts'

/** The event that a redaction is about. */
export function redactedId(pdu: Pdu, version: RoomVersion): string | undefined {
  if (pdu.type !== 'm.room.redaction') return undefined
  const id = version.redactsInContent ? pdu.content.redacts : pdu.redacts
  return typeof id === 'string' && isEventId(id) ? id : undefined
}

/**
 * Whether a redaction that was accepted takes effect (spec: rooms/v3, Handling redactions): its sender has the power, or
 * is of the server that sent what it redacts. In versions 1 and 2 the authorisation rules have seen to it.
 */
export function takesEffect(redaction: Pdu, target: Pdu, state: StateLookup, version: RoomVersion): boolean {
  if (target.type === 'm.room.create' || target.room_id !== redaction.room_id) return false
  if (version.redactionAuthRule || serverOf(redaction.sender) === serverOf(target.sender)) return true
  const levels = new PowerLevels(state('m.room.create', ''), state('m.room.power_levels', ''), version)
  return levels.userLevel(redaction.sender) >= levels.redact
}

/** The entries of the state that `takesEffect` asks for. */
export const REDACTION_PLACES = [
  ['m.room.create', ''],
  ['m.room.power_levels', ''],
] as const
