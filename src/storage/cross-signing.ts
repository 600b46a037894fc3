import { isObject, type JsonObject } from '../matrix/json.ts'
import type { Db, Tx } from './db.ts'
import { places, rawRows, rawRun, valueLists } from './run.ts'

export type Usage = 'master' | 'self_signing' | 'user_signing'

export interface CrossSigningKeyRow {
  user_nid: number
  usage: Usage
  json: string
}

export interface SignatureRow {
  user_nid: number
  target: string
  signer: string
  key_id: string
  signature: string
}

/** The public key of a cross-signing key: it has one. */
export const publicKeyOf = (key: JsonObject): string | undefined => {
  const [text] = isObject(key.keys) ? Object.values(key.keys) : []
  return typeof text === 'string' ? text : undefined
}

export async function listCrossSigningKeys(db: Db, userNids: readonly number[]): Promise<CrossSigningKeyRow[]> {
  if (userNids.length === 0) return []
  const sql = `select user_nid, usage, json from cross_signing_key where user_nid in (${places(userNids.length)})`
  return rawRows<CrossSigningKeyRow>(db, sql, userNids)
}

export async function upsertCrossSigningKeys(tx: Tx, rows: readonly CrossSigningKeyRow[]): Promise<void> {
  if (rows.length === 0) return
  await rawRun(
    tx,
    `insert into cross_signing_key (user_nid, usage, json) values ${valueLists(rows.length, 3)}
     on conflict (user_nid, usage) do update set json = excluded.json`,
    rows.flatMap(({ user_nid, usage, json }) => [user_nid, usage, json]),
  )
}

/** Signatures on the keys of these users, by the users themselves and by the one who asks. */
export async function listSignatures(db: Db, userNids: readonly number[], askerNid: number): Promise<SignatureRow[]> {
  if (userNids.length === 0) return []
  const sql = `select s.user_nid, s.target, n.text as signer, s.key_id, s.signature
    from key_signature s join name n on n.nid = s.signer_nid
    where s.user_nid in (${places(userNids.length)}) and (s.signer_nid = s.user_nid or s.signer_nid = ?)`
  return rawRows<SignatureRow>(db, sql, [...userNids, askerNid])
}

/** A verified signature that a user put on a key. */
export interface NewSignature {
  readonly userNid: number
  readonly target: string
  readonly signerNid: number
  readonly keyId: string
  readonly signature: string
}

export async function upsertSignatures(tx: Tx, signatures: readonly NewSignature[]): Promise<void> {
  if (signatures.length === 0) return
  await rawRun(
    tx,
    `insert into key_signature (user_nid, target, signer_nid, key_id, signature)
     values ${valueLists(signatures.length, 5)}
     on conflict (user_nid, target, signer_nid, key_id) do update set signature = excluded.signature`,
    signatures.flatMap(({ userNid, target, signerNid, keyId, signature }) => [
      userNid,
      target,
      signerNid,
      keyId,
      signature,
    ]),
  )
}
