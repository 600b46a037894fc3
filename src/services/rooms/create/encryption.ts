import { forbidden } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'

/** Whether rooms of this server are encrypted from end to end: never, as people choose, or always unless they are public. */
export type EncryptionPolicy = 'off' | 'default' | 'forced'

const ENCRYPTION = 'm.room.encryption'

/**
 * Throws `M_FORBIDDEN` for the event that encrypts a room where the office wants to keep its records readable. A room
 * that is encrypted already stays so, also when it is upgraded.
 */
export function checkEncryption(policy: EncryptionPolicy, type: string): void {
  if (policy === 'off' && type === ENCRYPTION) throw forbidden('This server does not let rooms be encrypted')
}

/** The event that a new room has in any case; undefined: people choose. Nobody speaks in a space. */
export function forcedEncryption(
  policy: EncryptionPolicy,
  room: { readonly isPublic: boolean; readonly type: unknown },
): { type: string; content: JsonObject } | undefined {
  if (policy !== 'forced' || room.isPublic || room.type === 'm.space') return undefined
  return { type: ENCRYPTION, content: { algorithm: 'm.megolm.v1.aes-sha2' } }
}
