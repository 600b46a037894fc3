import { isObject, type JsonObject } from '../../matrix/json.ts'
import { verifyJson } from '../../matrix/sign-json.ts'
import { VerifyKey } from '../../matrix/verify-key.ts'

/** One key, as its server published it. */
export interface PublishedKey {
  readonly keyId: string
  /** Base64. */
  readonly publicKey: string
  /** When it became an old key, with which nothing newer can have been signed; undefined: it is in use. */
  readonly expiredTs: number | undefined
}

/** What a server says of its own keys. */
export interface KeyAnswer {
  readonly serverName: string
  /** As it was sent, with its signatures. */
  readonly json: JsonObject
  readonly keys: readonly PublishedKey[]
  readonly validUntilTs: number
}

const KEY_ID = /^ed25519:[A-Za-z0-9_]{1,100}$/
/** More keys than an honest server had in its life. */
const MAX_KEYS = 200

/**
 * Reads the answer of `/_matrix/key/v2/server`: `undefined` unless it is of that server and signed by a key that it says
 * is in use, which is not of small order. `pinned`: the only public key that is believed, where there is one.
 */
export async function readKeyAnswer(
  json: unknown,
  serverName: string,
  pinned: string | undefined,
): Promise<KeyAnswer | undefined> {
  if (!isObject(json) || json.server_name !== serverName) return undefined
  const { valid_until_ts: validUntilTs } = json
  if (typeof validUntilTs !== 'number' || !Number.isSafeInteger(validUntilTs)) return undefined
  const current = keysIn(json.verify_keys, false, pinned)
  const old = keysIn(json.old_verify_keys, true, pinned)
  const verifyKeys = new Map<string, VerifyKey>()
  for (const { keyId, publicKey } of current) {
    const key = VerifyKey.from(publicKey)
    if (key) verifyKeys.set(keyId, key)
  }
  if (!(await verifyJson(json, serverName, verifyKeys))) return undefined
  const usable = current.filter(({ keyId }) => verifyKeys.has(keyId))
  const keys = [...usable, ...old.filter(({ keyId }) => !verifyKeys.has(keyId))]
  return { serverName, json, keys, validUntilTs }
}

/** Keys of an algorithm that we know; others may stand there too. */
function keysIn(section: unknown, isOld: boolean, pinned: string | undefined): PublishedKey[] {
  if (!isObject(section)) return []
  return Object.entries(section)
    .slice(0, MAX_KEYS)
    .flatMap(([keyId, entry]) => {
      if (!KEY_ID.test(keyId) || !isObject(entry) || typeof entry.key !== 'string') return []
      const { key: publicKey, expired_ts: expiredTs } = entry
      if (isOld && (typeof expiredTs !== 'number' || !Number.isSafeInteger(expiredTs))) return []
      // A pinned key says which one is in use; what it replaced is believed, because it vouches for it.
      if (!isOld && pinned !== undefined && withoutPadding(publicKey) !== withoutPadding(pinned)) return []
      return [{ keyId, publicKey, expiredTs: isOld ? Number(expiredTs) : undefined }]
    })
}

const withoutPadding = (base64: string): string => base64.replace(/=+$/, '')
