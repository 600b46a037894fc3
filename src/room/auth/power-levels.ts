import { isExactNumber } from '../../matrix/exact-number.ts'
import { isUserId } from '../../matrix/ids.ts'
import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import type { Verdict } from '../event.ts'
import { type Level, levelAt, parseLevel } from '../power-levels.ts'
import type { RoomVersion } from '../versions.ts'
import type { AuthCase } from './auth-case.ts'
import { contentOf } from './fields.ts'

const NAMED_LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']
const NOTHING: JsonObject = Object.freeze({})

/** Rule 10 (9 in versions 6 to 11). Its first two parts came with version 10, the fourth with version 12. */
export function authorizePowerLevels(auth: AuthCase): Verdict {
  const { content, state, version } = auth
  const malformed = checkValues(content, version) ?? checkUsers(auth)
  if (malformed !== undefined) return malformed
  // Rule 10.5.
  const current = state('m.room.power_levels', '')
  return current && checkChanges(auth, contentOf(current.pdu))
}

/** Rules 10.1 and 10.2; before version 10 only numbers that no double holds are refused (rooms/v1: values as floats). */
function checkValues(content: JsonObject, version: RoomVersion): Verdict {
  const isLevel = (value: Json | undefined) =>
    parseLevel(value, version) !== undefined ||
    (!version.integerPowerLevels && typeof value !== 'number' && !isExactNumber(value))
  for (const key of NAMED_LEVELS) {
    if (Object.hasOwn(content, key) && !isLevel(content[key])) return `The power level '${key}' is no integer`
  }
  for (const key of ['events', 'notifications']) {
    if (!Object.hasOwn(content, key)) continue
    const map = content[key]
    if (isObject(map) ? !Object.values(map).every(isLevel) : version.integerPowerLevels) {
      return `The power levels '${key}' are no map of integers`
    }
  }
  return undefined
}

/** Rules 10.3 and 10.4. */
function checkUsers({ content, levels, version }: AuthCase): Verdict {
  if (!Object.hasOwn(content, 'users')) return undefined
  const { users } = content
  if (!isObject(users)) return "The power levels 'users' are no map"
  for (const userId of Object.keys(users)) {
    if (!isUserId(userId)) return 'The power levels name someone who is no user'
    if (parseLevel(users[userId], version) === undefined) return 'The power level of a user is no integer'
    if (version.privilegedCreators && levels.isCreator(userId)) return 'Creators have no power level of their own'
  }
  return undefined
}

/** Rules 10.6 to 10.10: nobody gives, or takes away, more power than they have. */
function checkChanges(auth: AuthCase, current: JsonObject): Verdict {
  const { content, pdu, levels, version } = auth
  const senderLevel = levels.userLevel(pdu.sender)
  // Rule 10.6.
  for (const key of NAMED_LEVELS) {
    const change = changeAt(current, content, key, version)
    if (change && exceeds(change, senderLevel)) return `The sender may not change the power level '${key}'`
  }
  // Rules 10.7 and 10.8; 'notifications' since version 6.
  for (const name of version.notificationsRule ? ['events', 'notifications'] : ['events']) {
    for (const change of changesOf(current[name], content[name], version)) {
      if (exceeds(change, senderLevel)) return `The sender may not change the power level of '${change.key}'`
    }
  }
  for (const change of changesOf(current.users, content.users, version)) {
    // Rule 10.9.
    const isEqual = change.before !== undefined && change.before >= senderLevel
    if (isEqual && change.key !== pdu.sender) return 'The sender may not change the power level of an equal'
    // Rule 10.10.
    if (exceeds(change, senderLevel)) return 'The sender may not give more power than they have'
  }
  return undefined
}

interface Change {
  key: string
  before: Level | undefined
  after: Level | undefined
  /** What stands there now is no level; only versions before 10 get this far with it. */
  isMalformed: boolean
}

const exceeds = ({ before, after, isMalformed }: Change, level: Level): boolean =>
  isMalformed || (before !== undefined && before > level) || (after !== undefined && after > level)

/** Values are compared, not spellings: "50" and 50 are the same level. */
function changeAt(old: JsonObject, now: JsonObject, key: string, version: RoomVersion): Change | undefined {
  const before = levelAt(old, key, version)
  const after = levelAt(now, key, version)
  const isMalformed = after === undefined && Object.hasOwn(now, key) && now[key] !== old[key]
  return before === after && !isMalformed ? undefined : { key, before, after, isMalformed }
}

function changesOf(old: Json | undefined, now: Json | undefined, version: RoomVersion): Change[] {
  const [before, after] = [isObject(old) ? old : NOTHING, isObject(now) ? now : NOTHING]
  const keys = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...keys].flatMap((key) => changeAt(before, after, key, version) ?? [])
}
