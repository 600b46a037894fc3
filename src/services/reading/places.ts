import type { Db } from '../../storage/db.ts'
import { findDepthBy, listBefore, listNewest } from '../../storage/rooms/timeline.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { type Placed, parseToken } from '../tokens.ts'

/** Events that are looked at to find how deep the room was at a moment: the deepest now, */
const DEEPEST = 2_000
/** and if all of them came later, those that had just arrived. */
const RECENT = 50

/** The place before everything: no event has a negative depth. */
export const START: Placed = { depth: -1, pos: 0 }
/** After everything. Not for tokens, which are to stay where they are when the room goes on. */
export const END: Placed = { depth: Number.MAX_SAFE_INTEGER, pos: Number.MAX_SAFE_INTEGER - 1 }

/** Room order: by depth, and what is as deep by arrival. */
export const comparePlaces = (a: Placed, b: Placed): number => a.depth - b.depth || a.pos - b.pos

export const earlier = (a: Placed, b: Placed): Placed => (comparePlaces(a, b) < 0 ? a : b)

/**
 * The place in room order that a token means. A position of the stream is the place after the deepest of the events that
 * had arrived by then. Throws `M_INVALID_PARAM` for what is no token.
 */
export async function placeOfToken(db: Db, room: LiveRoom, text: string): Promise<Placed> {
  const token = parseToken(text)
  if (token.kind === 't') return token
  const depth = await findDepthBy(db, room.nid, token.pos, DEEPEST)
  if (depth !== undefined) return { depth, pos: token.pos }
  const recent = await listNewest(db, room.nid, token.pos + 1, RECENT)
  if (recent.length === 0) return START
  return { depth: Math.max(...recent.map((row) => row.depth)), pos: token.pos }
}

/** The place after everything that is in the room now. */
export async function endOf(db: Db, room: LiveRoom): Promise<Placed> {
  const [last] = await listBefore(db, room.nid, END, 1)
  return last ? { depth: last.depth, pos: last.pos ?? 0 } : START
}

/** The position of arrival that a token means. */
export function positionOfToken(text: string): number {
  return parseToken(text).pos
}

/**
 * The position that events must have arrived by to be before a token of the stream: its client was given what came later,
 * wherever that stands in the room. undefined: the token is a place in room order.
 */
export function arrivalBefore(text: string): number | undefined {
  const token = parseToken(text)
  return token.kind === 's' ? token.pos : undefined
}
