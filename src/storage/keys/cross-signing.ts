import type { Db, Tx } from '../db.ts'
import { insertRows, rowsIn, runIn } from '../many.ts'
import { rawRows, valuesOf } from '../run.ts'

export type Usage = 'master' | 'self_signing' | 'user_signing'

/** A published key. `json`: the key object's text. */
export interface CrossSigningKeyRow {
  user_nid: number
  usage: Usage
  public_key: string
  json: string
}

export const listCrossSigningKeys = (db: Db, userNids: readonly number[]): Promise<CrossSigningKeyRow[]> =>
  rowsIn(db, 'select user_nid, usage, public_key, json from cross_signing_key where user_nid in', userNids)

export async function upsertCrossSigningKeys(tx: Tx, rows: readonly CrossSigningKeyRow[]): Promise<void> {
  await insertRows(
    tx,
    'cross_signing_key (user_nid, usage, public_key, json)',
    rows.map(({ user_nid, usage, public_key, json }) => [user_nid, usage, public_key, json]),
    'on conflict (user_nid, usage) do update set public_key = excluded.public_key, json = excluded.json',
  )
}

/** Deletes keys of a user, with the signatures on them and by them. */
export async function deleteCrossSigningKeys(tx: Tx, userNid: number, publicKeys: readonly string[]): Promise<void> {
  const keyIds = publicKeys.map((publicKey) => `ed25519:${publicKey}`)
  await runIn(tx, 'delete from cross_signing_key where user_nid = ? and public_key in', publicKeys, [userNid])
  await deleteSignaturesOn(tx, userNid, publicKeys)
  await runIn(tx, 'delete from key_signature where signer_nid = ? and key_id in', keyIds, [userNid])
}

/** Whether one of the user's cross-signing keys has this text, which no device may have for an id. */
export async function hasCrossSigningKey(db: Db, userNid: number, publicKey: string): Promise<boolean> {
  const sql = 'select 1 from cross_signing_key where user_nid = ? and public_key = ?'
  return (await rawRows(db, sql, [userNid, publicKey])).length > 0
}

/** A signature as it was put on the key of a user, with the signer's name. */
export interface SignatureRow {
  user_nid: number
  target: string
  signer: string
  key_id: string
  signature: string
}

/**
 * Signatures on the keys of these users, by the users themselves, and by the one who asks
 * (`askerNid` undefined: by nobody else).
 */
export const listSignatures = (
  db: Db,
  userNids: readonly number[],
  askerNid: number | undefined,
): Promise<SignatureRow[]> =>
  rowsIn(
    db,
    `select s.user_nid, s.target, n.text as signer, s.key_id, s.signature
     from key_signature s join name n on n.nid = s.signer_nid
     where (s.signer_nid = s.user_nid or s.signer_nid = ?) and s.user_nid in`,
    userNids,
    [askerNid ?? 0],
  )

/** A verified signature that a user put on a key. `target`: the device id, or the public key. */
export interface NewSignature {
  readonly userNid: number
  readonly target: string
  readonly signerNid: number
  readonly keyId: string
  readonly signature: string
}

/** Those that are not stored as they are. */
export async function unknownSignatures<S extends NewSignature>(tx: Tx, signatures: readonly S[]): Promise<S[]> {
  if (signatures.length === 0) return []
  const sql = `select user_nid, target, signer_nid, key_id, signature from key_signature
    where (user_nid, target) in (${valuesOf(signatures.length, 'bigint', 'text')})`
  const params = signatures.flatMap(({ userNid, target }) => [userNid, target])
  const rows = await rawRows<{ user_nid: number; signer_nid: number } & Omit<SignatureRow, 'signer'>>(tx, sql, params)
  const known = new Set(
    rows.map((row) => `${row.user_nid} ${row.target} ${row.signer_nid} ${row.key_id} ${row.signature}`),
  )
  return signatures.filter(
    (one) => !known.has(`${one.userNid} ${one.target} ${one.signerNid} ${one.keyId} ${one.signature}`),
  )
}

export async function upsertSignatures(tx: Tx, pos: number, signatures: readonly NewSignature[]): Promise<void> {
  await insertRows(
    tx,
    'key_signature (user_nid, target, signer_nid, key_id, signature, pos)',
    signatures.map((one) => [one.userNid, one.target, one.signerNid, one.keyId, one.signature, pos]),
    `on conflict (user_nid, target, signer_nid, key_id) do update set signature = excluded.signature, pos = excluded.pos`,
  )
}

/** Forgets the signatures on keys that are another's now, or nobody's. `targets`: device ids or public keys. */
export async function deleteSignaturesOn(tx: Tx, userNid: number, targets: readonly string[]): Promise<void> {
  await runIn(tx, 'delete from key_signature where user_nid = ? and target in', targets, [userNid])
}

/** Whose keys the user signed in (`after`, `upTo`]. */
export async function listSignedUsers(db: Db, signerNid: number, after: number, upTo: number): Promise<string[]> {
  const sql = `select distinct n.text from key_signature s join name n on n.nid = s.user_nid
    where s.signer_nid = ? and s.pos > ? and s.pos <= ?`
  return (await rawRows<{ text: string }>(db, sql, [signerNid, after, upTo])).map(({ text }) => text)
}
