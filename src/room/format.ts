import { canonicalFlaw } from '../matrix/canonical-flaw.ts'
import { canonicalJson } from '../matrix/canonical-json.ts'
import { isExactNumber } from '../matrix/exact-number.ts'
import { isServerName, MAX_ID_BYTES, serverOf } from '../matrix/ids.ts'
import { isObject } from '../matrix/json.ts'
import type { Verdict } from './event.ts'
import type { RoomVersion } from './versions.ts'

/** Of an event in canonical JSON, with its signatures (spec: Size limits). */
export const MAX_EVENT_BYTES = 65_536
const MAX_PREV_EVENTS = 20
const MAX_AUTH_EVENTS = 10
/** Versions 1 to 5 bound the depth by a signed integer of 64 bits. */
const MAX_LOOSE_DEPTH = 2n ** 63n - 1n

interface Options {
  /** The event's canonical JSON, where the caller has it. */
  json?: string
  /** From another server: in versions up to 10 its ids may then have 255 code points instead of bytes (Synapse's rule). */
  isRemote?: boolean
}

/**
 * Whether a value is an event of this version: its fields and their types, its numbers and texts, its sizes (spec:
 * rooms/, Event format; client-server API, Size limits). An event that is none is dropped, not rejected: everything else
 * in the room core relies on what is checked here, and on nothing more.
 */
export function checkFormat(value: unknown, version: RoomVersion, { json, isRemote = false }: Options = {}): Verdict {
  if (!isObject(value)) return 'An event is an object'
  return (
    canonicalFlaw(value, version.strictCanonicalJson) ??
    checkFields(value, version) ??
    checkIds(value, isRemote && !version.byteLimits) ??
    checkSize(json ?? canonicalJson(value))
  )
}

const checkSize = (json: string): Verdict =>
  Buffer.byteLength(json) > MAX_EVENT_BYTES ? `The event is larger than ${MAX_EVENT_BYTES} bytes` : undefined

type Fields = Record<string, unknown>

function checkFields(pdu: Fields, version: RoomVersion): Verdict {
  if (typeof pdu.type !== 'string') return 'type is no text'
  if (!isScopedId(pdu.sender, '@')) return 'sender is no user id'
  if (pdu.state_key !== undefined && typeof pdu.state_key !== 'string') return 'state_key is no text'
  if (!isObject(pdu.content)) return 'content is no object'
  if (!Number.isSafeInteger(pdu.origin_server_ts)) return 'origin_server_ts is no integer'
  if (!isDepth(pdu.depth, version)) return 'depth is no integer in the range'
  if (!isHashes(pdu.hashes)) return 'hashes has no sha256'
  if (!isSignatures(pdu.signatures)) return 'signatures are no signatures'
  return (
    checkRoomId(pdu, version) ??
    checkReferences('prev_events', pdu.prev_events, MAX_PREV_EVENTS, version) ??
    checkReferences('auth_events', pdu.auth_events, MAX_AUTH_EVENTS, version) ??
    (version.eventId === 'random' && !isScopedId(pdu.event_id, '$') ? 'event_id is no event id' : undefined)
  )
}

function checkRoomId(pdu: Fields, version: RoomVersion): Verdict {
  const { room_id: roomId } = pdu
  const isCreate = pdu.type === 'm.room.create' && pdu.state_key === ''
  if (roomId === undefined && version.createHashRoomId && isCreate) return undefined
  return typeof roomId === 'string' && roomId.startsWith('!') ? undefined : 'room_id is no room id'
}

function checkReferences(field: string, refs: unknown, max: number, version: RoomVersion): Verdict {
  if (!Array.isArray(refs)) return `${field} is no list`
  if (refs.length > max) return `${field} names more than ${max} events`
  const isReference = version.eventId === 'random' ? isIdWithHash : isId
  return refs.every(isReference) ? undefined : `${field} has something that names no event`
}

const isId = (ref: unknown): boolean => typeof ref === 'string' && ref.startsWith('$')

/** `[id, {sha256}]`: what the hash says is not checked anywhere, and nobody relies on it. */
const isIdWithHash = (ref: unknown): boolean =>
  Array.isArray(ref) && ref.length === 2 && isId(ref[0]) && isObject(ref[1])

/** Its length is a matter of `checkIds`. */
const isScopedId = (value: unknown, sigil: string): boolean =>
  typeof value === 'string' && value[0] === sigil && isServerName(serverOf(value))

const isDepth = (depth: unknown, version: RoomVersion): boolean => {
  if (typeof depth === 'number') return Number.isSafeInteger(depth) && depth >= 0
  return !version.strictCanonicalJson && isExactNumber(depth) && isLooseDepth(depth.rawJSON)
}

const isLooseDepth = (digits: string): boolean => /^\d{1,19}$/.test(digits) && BigInt(digits) <= MAX_LOOSE_DEPTH

const isHashes = (hashes: unknown): boolean => isObject(hashes) && typeof hashes.sha256 === 'string'

const isSignatures = (signatures: unknown): boolean =>
  isObject(signatures) &&
  Object.values(signatures).every(
    (bySigner) => isObject(bySigner) && Object.values(bySigner).every((signature) => typeof signature === 'string'),
  )

const LIMITED = ['type', 'sender', 'room_id', 'state_key', 'event_id'] as const

/** Ids become columns and keys of caches, so they are short; and none has a NUL, which PostgreSQL cannot hold. */
function checkIds(pdu: Fields, byCodePoints: boolean): Verdict {
  for (const field of LIMITED) {
    const text = pdu[field]
    if (typeof text !== 'string') continue
    if (text.includes('\u0000')) return `${field} has a NUL`
    const unit = byCodePoints ? 'characters' : 'bytes'
    if (isLong(text, byCodePoints)) return `${field} is longer than ${MAX_ID_BYTES} ${unit}`
  }
  return undefined
}

const isLong = (text: string, byCodePoints: boolean): boolean => {
  if (text.length * 3 <= MAX_ID_BYTES) return false
  return (byCodePoints ? [...text].length : Buffer.byteLength(text)) > MAX_ID_BYTES
}
