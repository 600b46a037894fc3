import type { UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { listCrossSigningKeys } from '../../../storage/keys/cross-signing.ts'
import type { SignaturesOn } from './signatures-on.ts'

/** Keys by their users, as `/keys/query` answers them. */
export interface CrossSigningAnswer {
  master_keys: Record<string, JsonObject>
  self_signing_keys: Record<string, JsonObject>
  user_signing_keys: Record<string, JsonObject>
}

/**
 * The published cross-signing keys of users; of user-signing keys only the viewer's own.
 * @param users the users' ids by their nids
 * @param viewerNid undefined for another server
 */
export async function crossSigningKeysOf(
  db: Db,
  users: ReadonlyMap<number, UserId>,
  viewerNid: number | undefined,
  signatures: SignaturesOn,
): Promise<CrossSigningAnswer> {
  const answer: CrossSigningAnswer = { master_keys: {}, self_signing_keys: {}, user_signing_keys: {} }
  for (const { user_nid, usage, public_key, json } of await listCrossSigningKeys(db, [...users.keys()])) {
    const userId = users.get(user_nid)
    if (userId === undefined || (usage === 'user_signing' && user_nid !== viewerNid)) continue
    answer[`${usage}_keys`][userId] = signatures.addTo(JSON.parse(json), user_nid, public_key)
  }
  return answer
}
