import type { VerifyKeys } from '../../matrix/sign-json.ts'
import { VerifyKey } from '../../matrix/verify-key.ts'
import type { ServerKeyRow } from '../../storage/federation/server-keys.ts'

interface KnownKey {
  readonly key: VerifyKey
  readonly validUntilTs: number
  readonly isOld: boolean
}

/** The keys that are known of one server. */
export class KnownKeys {
  readonly #keys = new Map<string, KnownKey>()
  /** Until when the keys in use are known to be in use; 0 without any. */
  readonly validUntilTs: number

  constructor(rows: readonly ServerKeyRow[]) {
    let until = 0
    for (const row of rows) {
      const key = VerifyKey.from(row.public_key)
      if (!key) continue
      const isOld = row.expired_ts !== null
      this.#keys.set(row.key_id, { key, validUntilTs: row.expired_ts ?? row.valid_until_ts, isOld })
      if (!isOld) until = Math.max(until, row.valid_until_ts)
    }
    this.validUntilTs = until
  }

  /** Those of the keys that are valid at that time; at any time, if it is undefined. */
  valid(keyIds: Iterable<string>, atTs: number | undefined): VerifyKeys {
    const found = new Map<string, VerifyKey>()
    for (const keyId of keyIds) {
      const known = this.#keys.get(keyId)
      if (known && (atTs === undefined || atTs <= known.validUntilTs)) found.set(keyId, known.key)
    }
    return found
  }

  /** Whether asking the server again could make one of the keys valid: not, where it is known to be old. */
  mayLearn(keyIds: Iterable<string>, atTs: number | undefined): boolean {
    for (const keyId of keyIds) {
      const known = this.#keys.get(keyId)
      if (!known || (!known.isOld && atTs !== undefined && atTs > known.validUntilTs)) return true
    }
    return false
  }
}
