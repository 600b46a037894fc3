import { canonicalFlaw } from '../../../matrix/canonical-flaw.ts'
import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { invalidParam } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { VerifyKey } from '../../../matrix/verify-key.ts'
import type { Usage } from '../../../storage/keys/cross-signing.ts'

/** A key that signs other keys (spec: Cross-signing), of the right form. */
export interface CrossSigningKey {
  readonly usage: Usage
  /** Unpadded base64. */
  readonly publicKey: string
  /** `ed25519:<public key>`, under which its signatures stand. */
  readonly keyId: string
  readonly verifyKey: VerifyKey
  /** As it was uploaded. */
  readonly object: JsonObject
}

const MAX_BYTES = 16 * 1024
const ED25519 = 'ed25519:'

/** Reads a key of the user. Throws `M_INVALID_PARAM`. */
export function readCrossSigningKey(userId: UserId, usage: Usage, object: JsonObject): CrossSigningKey {
  const refuse = (why: string) => invalidParam(`The ${usage} key ${why}`)
  if (object.user_id !== userId) throw refuse('is of another user')
  if (!Array.isArray(object.usage) || !object.usage.includes(usage)) throw refuse('is for another use')
  if (!isObject(object.keys)) throw refuse('has no keys')
  const [entry, ...more] = Object.entries(object.keys)
  if (entry === undefined || more.length > 0) throw refuse('has not exactly one public key')
  const [keyId, publicKey] = entry
  if (typeof publicKey !== 'string' || keyId !== ED25519 + publicKey) throw refuse('is not named by its public key')
  const verifyKey = publicKey.endsWith('=') ? undefined : VerifyKey.from(publicKey)
  if (!verifyKey) throw refuse('is no ed25519 key in unpadded base64')
  if (canonicalFlaw(object, false) !== undefined || Buffer.byteLength(canonicalJson(object)) > MAX_BYTES) {
    throw refuse('cannot be signed, or is too large')
  }
  return { usage, publicKey, keyId, verifyKey, object }
}
