import { canonicalJson } from './canonical-json.ts'
import type { SigningKey } from './signing-key.ts'

/** Who signed, with which key, in unpadded base64. */
export type Signatures = { [name: string]: { [keyId: string]: string } }

/** What a signature over an object covers: its canonical text without `signatures` and `unsigned`. */
export const signedText = (object: object): string =>
  canonicalJson({ ...object, signatures: undefined, unsigned: undefined })

/** The object with one more signature (spec: appendices, Signing JSON). `name`: the server or user that signs. */
export const signJson = <T extends { signatures?: Signatures | undefined }>(
  object: T,
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
