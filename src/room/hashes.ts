import { hash } from 'node:crypto'
import { fromBase64, toBase64 } from '../matrix/base64.ts'
import { canonicalJson } from '../matrix/canonical-json.ts'
import type { Pdu } from './event.ts'
import { redact } from './redaction.ts'
import type { RoomVersion } from './versions.ts'

/** The hash over all that an event says, in unpadded base64: what stands in `hashes.sha256` (server-server API). */
export const contentHash = (pdu: Pdu): string =>
  sha256(canonicalJson({ ...pdu, hashes: undefined, signatures: undefined, unsigned: undefined }))

/** Whether the event is all that its sender hashed. If not, only its redacted form may be used. */
export function hasOwnContent(pdu: Pdu): boolean {
  const claimed = fromBase64(pdu.hashes?.sha256 ?? '')
  return claimed !== undefined && toBase64(claimed) === contentHash(pdu)
}

/** The bytes, as text, of which the reference hash and every signature of an event are made. */
export const essentialText = (pdu: Pdu, version: RoomVersion): string =>
  canonicalJson({ ...redact(pdu, version), signatures: undefined })

/** The hash that names an event, in unpadded base64 (server-server API: reference hash). */
export const referenceHash = (pdu: Pdu, version: RoomVersion): string => sha256(essentialText(pdu, version))

/** The id of an event: its own choice in versions 1 and 2, later `$` and its reference hash. */
export const eventIdOf = (pdu: Pdu, version: RoomVersion): string =>
  version.eventId === 'random' ? (pdu.event_id ?? '') : hashedId(essentialText(pdu, version), version)

/** The id of an event, from its essential text. */
export const hashedId = (essential: string, version: RoomVersion): string =>
  `$${version.eventId === 'hash' ? sha256(essential) : sha256Url(essential)}`

/** The room of an event; the create event of version 12 is named by its hash, and names no room itself. */
export const roomIdOf = (pdu: Pdu, version: RoomVersion): string =>
  version.createHashRoomId && pdu.type === 'm.room.create' && pdu.state_key === ''
    ? `!${sha256Url(essentialText(pdu, version))}`
    : (pdu.room_id ?? '')

const sha256 = (text: string): string => hash('sha256', text, 'base64').replace('=', '')
const sha256Url = (text: string): string => hash('sha256', text, 'base64url')
