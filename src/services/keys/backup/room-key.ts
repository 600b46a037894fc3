import { invalidParam, tooLarge } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { BackedUpKeyRow } from '../../../storage/keys/backed-up-keys.ts'

/** The key of a session as clients back it up (spec: Server-side key backups). */
export interface RoomKey {
  readonly first_message_index: number
  readonly forwarded_count: number
  readonly is_verified: boolean
  readonly session_data: JsonObject
}

/** Keys by room and session. */
export type RoomKeys = readonly { readonly roomId: string; readonly sessionId: string; readonly key: RoomKey }[]

const MAX_ID_BYTES = 255
/** A session takes about one KiB. */
const MAX_DATA_BYTES = 32 * 1024

/** Keys as they are stored. Throws `M_INVALID_PARAM` and `M_TOO_LARGE`. */
export const rowsOf = (keys: RoomKeys): BackedUpKeyRow[] =>
  keys.map(({ roomId, sessionId, key }) => {
    if (Buffer.byteLength(roomId) > MAX_ID_BYTES || Buffer.byteLength(sessionId) > MAX_ID_BYTES) {
      throw invalidParam('The id of a room or session is longer than 255 bytes')
    }
    const data = JSON.stringify(key.session_data)
    if (Buffer.byteLength(data) > MAX_DATA_BYTES) throw tooLarge('The data of a session is larger than 32 KiB')
    return {
      room_id: roomId,
      session_id: sessionId,
      first_message_index: key.first_message_index,
      forwarded_count: key.forwarded_count,
      is_verified: key.is_verified ? 1 : 0,
      session_data: data,
    }
  })

/** Whether `next` takes the place of the stored key: it is verified, or reaches further back, or came more directly. */
export function isBetter(next: BackedUpKeyRow, stored: BackedUpKeyRow): boolean {
  if (next.is_verified !== stored.is_verified) return next.is_verified > stored.is_verified
  if (next.first_message_index !== stored.first_message_index) {
    return next.first_message_index < stored.first_message_index
  }
  return next.forwarded_count < stored.forwarded_count
}

/** The key as clients get it, as JSON text. */
export const textOf = (row: BackedUpKeyRow): string =>
  `{"first_message_index":${row.first_message_index},"forwarded_count":${row.forwarded_count},` +
  `"is_verified":${row.is_verified === 1},"session_data":${row.session_data}}`
