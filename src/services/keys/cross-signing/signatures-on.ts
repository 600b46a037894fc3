import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { listSignatures } from '../../../storage/keys/cross-signing.ts'

/** The signatures that came after the keys of users, as one viewer may see them. */
export class SignaturesOn {
  readonly #byPlace: ReadonlyMap<string, JsonObject>

  private constructor(byPlace: ReadonlyMap<string, JsonObject>) {
    this.#byPlace = byPlace
  }

  /**
   * Reads those of the keys' owners, and the viewer's own: whom somebody has verified is nobody else's business (spec:
   * Key and signature security).
   * @param viewerNid undefined for another server
   */
  static async read(db: Db, userNids: readonly number[], viewerNid: number | undefined): Promise<SignaturesOn> {
    const byPlace = new Map<string, JsonObject>()
    for (const row of await listSignatures(db, userNids, viewerNid)) {
      const place = `${row.user_nid} ${row.target}`
      const bySigner = byPlace.get(place) ?? {}
      bySigner[row.signer] = merged(bySigner[row.signer], { [row.key_id]: row.signature })
      byPlace.set(place, bySigner)
    }
    return new SignaturesOn(byPlace)
  }

  /** The key object with them. `target`: the device id, or the public key. */
  addTo(key: JsonObject, userNid: number, target: string): JsonObject {
    const more = this.#byPlace.get(`${userNid} ${target}`)
    if (!more) return key
    const signatures: JsonObject = isObject(key.signatures) ? { ...key.signatures } : {}
    for (const [signer, byKey] of Object.entries(more)) signatures[signer] = merged(signatures[signer], byKey)
    return { ...key, signatures }
  }
}

const merged = (before: unknown, more: unknown): JsonObject => ({
  ...(isObject(before) && before),
  ...(isObject(more) && more),
})
