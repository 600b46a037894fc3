import { isExactNumber } from '../matrix/exact-number.ts'
import { isObject, type JsonObject } from '../matrix/json.ts'
import type { RoomEvent } from './event.ts'
import type { RoomVersion } from './versions.ts'

/**
 * A power level: a number where that is exact, a bigint beyond 2^53 (versions 1 to 5 bound nothing). The two compare by
 * value. A privileged creator's level is `Infinity`.
 */
export type Level = number | bigint

const INTEGER_TEXT = /^\s*[+-]?\d+\s*$/
const NOTHING: JsonObject = Object.freeze({})

const exact = (value: bigint): Level | undefined => {
  const rounded = Number(value)
  // Beyond the range of a double the event is rejected (rooms/v1: values as floats).
  if (!Number.isFinite(rounded)) return undefined
  return Number.isSafeInteger(rounded) ? rounded : value
}

const fromText = (text: string): Level | undefined => {
  if (!INTEGER_TEXT.test(text)) return undefined
  const rounded = Number(text)
  if (Number.isSafeInteger(rounded)) return rounded + 0 // no -0
  // The check comes before BigInt, whose time grows with the square of the length.
  return Number.isFinite(rounded) ? exact(BigInt(text.trim())) : undefined
}

/** A JSON number truncated to an integer; `undefined` for what is no number or beyond the range of a double. */
export const integerOf = (value: unknown): Level | undefined => {
  if (isExactNumber(value)) return fromText(value.rawJSON) ?? integerOf(Number(value.rawJSON))
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return Number.isSafeInteger(value) ? value + 0 : exact(BigInt(Math.trunc(value)))
}

/** The integer that a value of m.room.power_levels stands for in this version, or `undefined` if it stands for none. */
export const parseLevel = (value: unknown, version: RoomVersion): Level | undefined => {
  if (typeof value === 'string') return version.integerPowerLevels ? undefined : fromText(value)
  if (version.strictCanonicalJson && !Number.isSafeInteger(value)) return undefined
  return integerOf(value)
}

/** The level at `key`, own properties only: a user may be called `constructor`. */
export const levelAt = (levels: JsonObject, key: string, version: RoomVersion): Level | undefined =>
  Object.hasOwn(levels, key) ? parseLevel(levels[key], version) : undefined

/** Whether the user created the room: `content.creator`, later the create event's sender, later also additional ones. */
export const isCreator = (userId: string, create: RoomEvent, version: RoomVersion): boolean => {
  const { content, sender } = create.pdu
  if (!version.implicitCreator) return isObject(content) && content.creator === userId
  if (sender === userId) return true
  if (!version.privilegedCreators || !isObject(content)) return false
  const { additional_creators: additional } = content
  return Array.isArray(additional) && additional.includes(userId)
}

/**
 * The power levels of a room, read when asked. Making one costs nothing; whoever holds a room's state may keep it until
 * one of its two events changes. A value that stands for no integer counts as absent.
 */
export class PowerLevels {
  readonly #version: RoomVersion
  readonly #create: RoomEvent | undefined
  readonly #hasEvent: boolean
  readonly #content: JsonObject
  readonly #users: JsonObject
  readonly #events: JsonObject

  constructor(create: RoomEvent | undefined, levels: RoomEvent | undefined, version: RoomVersion) {
    this.#version = version
    this.#create = create
    this.#hasEvent = levels !== undefined
    this.#content = isObject(levels?.pdu.content) ? levels.pdu.content : NOTHING
    this.#users = isObject(this.#content.users) ? this.#content.users : NOTHING
    this.#events = isObject(this.#content.events) ? this.#content.events : NOTHING
  }

  get ban(): Level {
    return this.#named('ban', 50)
  }
  get kick(): Level {
    return this.#named('kick', 50)
  }
  get redact(): Level {
    return this.#named('redact', 50)
  }
  get invite(): Level {
    return this.#named('invite', 0)
  }
  get usersDefault(): Level {
    return this.#named('users_default', 0)
  }

  isCreator(userId: string): boolean {
    return this.#create !== undefined && isCreator(userId, this.#create, this.#version)
  }

  userLevel(userId: string): Level {
    if (this.#version.privilegedCreators && this.isCreator(userId)) return Number.POSITIVE_INFINITY
    // Without an event the creator has 100, all others 0.
    if (!this.#hasEvent) return this.isCreator(userId) ? 100 : 0
    return levelAt(this.#users, userId, this.#version) ?? this.usersDefault
  }

  /** The level required to send such an event; those of membership events are `invite`, `kick` and `ban` instead. */
  eventLevel(type: string, isState: boolean): Level {
    const own = levelAt(this.#events, type, this.#version)
    if (own !== undefined) return own
    return isState ? this.#named('state_default', 50) : this.#named('events_default', 0)
  }

  /** The level required for a kind of notification, such as `room` for @room. */
  notificationLevel(kind: string): Level {
    const { notifications } = this.#content
    return (isObject(notifications) ? levelAt(notifications, kind, this.#version) : undefined) ?? 50
  }

  #named(key: string, otherwise: number): Level {
    return levelAt(this.#content, key, this.#version) ?? otherwise
  }
}
