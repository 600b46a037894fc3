import { isRoomId, isServerName, type RoomId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/** That a room belongs to a space: a valid `m.space.child` event. */
export interface ChildLink {
  readonly roomId: RoomId
  /** Servers that are said to be in the room. */
  readonly via: readonly string[]
  readonly isSuggested: boolean
  /** Where the child stands among the others; undefined where the space does not say or says nonsense. */
  readonly order: string | undefined
  readonly ts: number
  /** The event in stripped form, with `origin_server_ts`. */
  readonly event: JsonObject
}

export const SPACE_CHILD = 'm.space.child'
/** Printable ASCII, at most 50 characters (spec: m.space.child). */
const ORDER = /^[\x20-\x7E]{1,50}$/
/** Servers of one child that are remembered. */
const MAX_VIA = 10

/** Reads a stripped event; undefined for what is no link, or one that was taken back by leaving out `via`. */
export function readChildLink(stripped: JsonObject): ChildLink | undefined {
  const { type, state_key: roomId, content, sender, origin_server_ts: ts } = stripped
  if (type !== SPACE_CHILD || typeof roomId !== 'string' || !isRoomId(roomId)) return undefined
  if (!isObject(content) || !Array.isArray(content.via) || typeof sender !== 'string' || typeof ts !== 'number') {
    return undefined
  }
  const via = content.via.filter((name) => typeof name === 'string').filter(isServerName)
  if (via.length === 0) return undefined
  const { order, suggested } = content
  return {
    roomId,
    via: via.slice(0, MAX_VIA),
    isSuggested: suggested === true,
    order: typeof order === 'string' && ORDER.test(order) ? order : undefined,
    ts,
    event: { type, state_key: roomId, content, sender, origin_server_ts: ts },
  }
}

/** The order in which clients show children (spec: Ordering of children within a space). */
export function compareLinks(a: ChildLink, b: ChildLink): number {
  if (a.order !== b.order) {
    if (a.order === undefined) return 1
    if (b.order === undefined) return -1
    return a.order < b.order ? -1 : 1
  }
  return a.ts - b.ts || (a.roomId < b.roomId ? -1 : 1)
}
