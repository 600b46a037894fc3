import { canonicalFlaw } from './canonical-flaw.ts'
import { canonicalJson } from './canonical-json.ts'
import { isObject, type JsonObject } from './json.ts'
import type { SigningKey } from './signing-key.ts'
import type { VerifyKey } from './verify-key.ts'

/** Who signed, with which key, in unpadded base64. */
export type Signatures = { [name: string]: { [keyId: string]: string } }

/** What a signature over an object covers: its canonical text without `signatures` and `unsigned`. */
export const signedText = (object: object): string =>
  canonicalJson({ ...object, signatures: undefined, unsigned: undefined })

/** The object with one more signature (spec: appendices, Signing JSON). `name`: the server or user that signs. */
export const signJson = <T extends object>(
  object: T & { signatures?: Signatures | undefined },
  name: string,
  key: SigningKey,
): T & { signatures: Signatures } => ({
  ...object,
  signatures: addSignature(object.signatures, name, key.keyId, key.sign(signedText(object))),
})

export const addSignature = (
  signatures: Signatures | undefined,
  name: string,
  keyId: string,
  signature: string,
): Signatures => ({ ...signatures, [name]: { ...signatures?.[name], [keyId]: signature } })

/** The keys of one signer that are known and may be used, by their ids. */
export type VerifyKeys = ReadonlyMap<string, VerifyKey>

/**
 * Whether `name` signed the text: with at least one of the keys, and with none of them wrongly. Signatures by other keys
 * are ignored, whatever they are. `signatures`: of the shape of `Signatures`, or anything else that was sent.
 */
export async function isSigned(text: string, signatures: unknown, name: string, keys: VerifyKeys): Promise<boolean> {
  const own = ownEntry(signatures, name)
  const checks: Promise<boolean>[] = []
  for (const [keyId, key] of keys) {
    const signature = ownEntry(own, keyId)
    if (typeof signature === 'string') checks.push(key.verify(text, signature))
  }
  return checks.length > 0 && (await Promise.all(checks)).every((isValid) => isValid)
}

/** Whether `name` signed the object, of which nothing is known (spec: appendices, Checking for a Signature). */
export async function verifyJson(object: JsonObject, name: string, keys: VerifyKeys): Promise<boolean> {
  if (canonicalFlaw(object, false) !== undefined) return false
  return isSigned(signedText(object), object.signatures, name, keys)
}

/** Key ids that one signer may have used in one object. */
const MAX_SIGNATURES = 10

/** Whether `name` signed the object with that key, whatever the key is called there; other signatures do not matter. */
export async function isSignedByKey(object: JsonObject, name: string, key: VerifyKey): Promise<boolean> {
  const signatures = ownEntry(object.signatures, name)
  if (!isObject(signatures) || canonicalFlaw(object, false) !== undefined) return false
  const text = signedText(object)
  for (const signature of Object.values(signatures).slice(0, MAX_SIGNATURES)) {
    if (typeof signature === 'string' && (await key.verify(text, signature))) return true
  }
  return false
}

// Names come from elsewhere: one may be `constructor`.
const ownEntry = (record: unknown, key: string): unknown =>
  isObject(record) && Object.hasOwn(record, key) ? record[key] : undefined
