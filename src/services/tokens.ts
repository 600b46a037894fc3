import { invalidParam } from '../matrix/errors.ts'

/**
 * Stream tokens (opaque to clients): `s<pos>_<n>` a position of the stream, where `n` counts what only memory has
 * (typing), and `t<depth>_<pos>` a place in room order: right after the event that stands there. Either is accepted
 * wherever a client may send one. Those of sliding sync end with the state of their connection: `s<pos>_<n>_<state>`;
 * those of a client that has messages to its device left to fetch, with the last one that it got: `s<pos>_<n>_m<pos>`.
 */
export type Token =
  | { kind: 's'; pos: number; n: number; state: string | undefined; messagesPos: number | undefined }
  | { kind: 't'; depth: number; pos: number }

const TOKEN = /^(?:s(\d{1,15})_(\d{1,16})(?:_([0-9a-f]{12})|_m(\d{1,15}))?|t(-?\d{1,15})_(-?\d{1,15}))$/

/** A position of `/sync`; `messagesPos`: the last message to the device that the client got, while more wait. */
export const syncToken = (pos: number, n: number, messagesPos?: number): string =>
  messagesPos === undefined ? `s${pos}_${n}` : `s${pos}_${n}_m${messagesPos}`
/** The same of sliding sync; `state`: that of the connection, twelve hexadecimal digits. */
export const slidingToken = (pos: number, n: number, state: string): string => `s${pos}_${n}_${state}`
/** A place in room order: right after the event that stands there. */
export const roomToken = (depth: number, pos: number): string => `t${depth}_${pos}`

/** Throws `M_INVALID_PARAM` for anything that is not one of our tokens. */
export function parseToken(text: string): Token {
  const token = readToken(text)
  if (!token) throw invalidParam('Not a token of this server')
  return token
}

/** The token; undefined for anything that is not one of ours. */
export function readToken(text: string): Token | undefined {
  const match = TOKEN.exec(text)
  if (!match) return undefined
  const [, pos, n, state, messagesPos, depth, roomPos] = match
  return pos !== undefined
    ? { kind: 's', pos: Number(pos), n: Number(n), state, messagesPos: messagesPos ? Number(messagesPos) : undefined }
    : { kind: 't', depth: Number(depth), pos: Number(roomPos) }
}

/** Where an event stands in room order. */
export interface Placed {
  readonly depth: number
  readonly pos: number
}

/** The place right before an event, where `/messages` goes on backwards. */
export const tokenBefore = ({ depth, pos }: Placed): string => roomToken(depth, pos - 1)
/** The place right after an event. */
export const tokenAfter = ({ depth, pos }: Placed): string => roomToken(depth, pos)
