import { z } from 'zod'

/** Matrix identifiers (spec: appendices, Identifier Grammar). All are at most 255 bytes of UTF-8. */
export type UserId = `@${string}:${string}`
export type RoomId = `!${string}`
export type EventId = `$${string}`
export type RoomAlias = `#${string}:${string}`

export const MAX_ID_BYTES = 255

const SERVER_NAME = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[0-9A-Za-z.-]{1,255})(?::[0-9]{1,5})?$/
const LOCALPART = /^[a-z0-9._=/+-]+$/

const fits = (text: string) => Buffer.byteLength(text) <= MAX_ID_BYTES
// biome-ignore lint/suspicious/noControlCharactersInRegex: a NUL is exactly what is looked for
const hasNulOrLoneSurrogate = (text: string) => /\u0000/.test(text) || !text.isWellFormed()

export const isServerName = (text: string): boolean => SERVER_NAME.test(text)

/** The server part of an id: everything behind the first colon; '' where there is none. */
export const serverOf = (id: string): string => {
  const colon = id.indexOf(':')
  return colon < 0 ? '' : id.slice(colon + 1)
}

/** The localpart of an id, without its sigil. */
export const localpartOf = (id: string): string => id.slice(1, id.indexOf(':'))

const isScoped = (text: string, sigil: string): boolean => {
  const colon = text.indexOf(':')
  return (
    text[0] === sigil && colon > 0 && fits(text) && !hasNulOrLoneSurrogate(text) && isServerName(text.slice(colon + 1))
  )
}

/** Historical user ids are allowed: any localpart without NUL (spec: appendices, Historical User IDs). */
export const isUserId = (text: string): text is UserId => isScoped(text, '@')
export const isRoomAlias = (text: string): text is RoomAlias => isScoped(text, '#')

/** Room ids are opaque; since room version 12 they have no server part. */
export const isRoomId = (text: string): text is RoomId =>
  text[0] === '!' && text.length > 1 && fits(text) && !hasNulOrLoneSurrogate(text)

export const isEventId = (text: string): text is EventId =>
  text[0] === '$' && text.length > 1 && fits(text) && !hasNulOrLoneSurrogate(text)

/** The grammar for new local user ids, stricter than what is accepted from others. */
export const isNewLocalpart = (text: string): boolean => LOCALPART.test(text)

export const userIdOf = (localpart: string, serverName: string): UserId => `@${localpart}:${serverName}`

const idSchema = <Id extends string>(isId: (text: string) => text is Id, message: string) =>
  z.custom<Id>((value) => typeof value === 'string' && isId(value), message)

/** zod schemas for path and query parameters and bodies. */
export const userId = idSchema(isUserId, 'Not a user id')
export const roomId = idSchema(isRoomId, 'Not a room id')
export const eventId = idSchema(isEventId, 'Not an event id')
export const roomAlias = idSchema(isRoomAlias, 'Not a room alias')
