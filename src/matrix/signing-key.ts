import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import nacl from 'tweetnacl'
import { fromBase64, toBase64, toBase64Url } from './base64.ts'

const SEED_BYTES = 32
const KEY_LINE = /^ed25519 ([A-Za-z0-9_]+) ([A-Za-z0-9+/_-]+={0,2})$/

/**
 * An Ed25519 key that this server signs with. tweetnacl derives it from its seed; node:crypto signs, a hundred times
 * as fast and with the same bytes (a test compares them).
 */
export class SigningKey {
  /** `ed25519:<version>`, the name under which signatures stand. */
  readonly keyId: string
  /** The public key in unpadded base64, as it is published. */
  readonly publicKey: string
  readonly #seed: Uint8Array
  readonly #key: KeyObject

  /** `version`: letters, digits and underscores; `seed`: 32 random bytes. */
  constructor(version: string, seed: Uint8Array) {
    if (!/^[A-Za-z0-9_]+$/.test(version)) throw new Error(`Not the version of a signing key: ${version}`)
    const { publicKey } = nacl.sign.keyPair.fromSeed(seed)
    this.keyId = `ed25519:${version}`
    this.publicKey = toBase64(publicKey)
    this.#seed = seed
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: toBase64Url(seed), x: toBase64Url(publicKey) }
    this.#key = createPrivateKey({ key: jwk, format: 'jwk' })
  }

  /** Reads the text of a key file: `ed25519 <version> <seed in base64>`, as Synapse writes it. Throws on other text. */
  static parse(text: string): SigningKey {
    const [, version, digits] = KEY_LINE.exec(text.trim()) ?? []
    const seed = digits === undefined ? undefined : fromBase64(digits)
    if (version === undefined || seed?.length !== SEED_BYTES) throw new Error('Not a signing key')
    return new SigningKey(version, seed)
  }

  /** Another key, for another purpose, that only who has this one can derive. */
  derive(version: string, purpose: string): SigningKey {
    return new SigningKey(version, createHmac('sha256', this.#seed).update(purpose).digest())
  }

  /** The text of its key file, with the secret. */
  toFileText(): string {
    return `${this.keyId.replace(':', ' ')} ${toBase64(this.#seed)}\n`
  }

  /** The signature of a text's UTF-8 bytes, in unpadded base64. */
  sign(text: string): string {
    return toBase64(sign(null, Buffer.from(text), this.#key))
  }
}
