import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { fromBase64 } from './base64.ts'

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64

/**
 * A public Ed25519 key of somebody else. Making one costs a quarter of a verification, so keep it.
 * node:crypto refuses malleable signatures; that it accepts keys of small order, under which one signature fits many
 * texts, is made up for here.
 */
export class VerifyKey {
  readonly #key: KeyObject

  private constructor(key: KeyObject) {
    this.#key = key
  }

  /** From base64, as keys are published; `undefined` if it is no key, or one of small order. */
  static from(text: string): VerifyKey | undefined {
    const bytes = fromBase64(text)
    if (bytes?.length !== KEY_BYTES || isOfSmallOrder(bytes)) return undefined
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: bytes.toString('base64url') }
    return new VerifyKey(createPublicKey({ key: jwk, format: 'jwk' }))
  }

  /** Whether that is the signature of the text's UTF-8 bytes. Runs on the thread pool: many may run at a time. */
  verify(text: string, signature: string): Promise<boolean> {
    const bytes = fromBase64(signature)
    if (bytes?.length !== SIGNATURE_BYTES) return Promise.resolve(false)
    return new Promise((resolve, reject) => {
      verify(null, Buffer.from(text), this.#key, bytes, (error, isValid) => (error ? reject(error) : resolve(isValid)))
    })
  }

  /** The same at once, on this thread, for rules that are synchronous: 0.1 ms. */
  verifyNow(text: string, signature: string): boolean {
    const bytes = fromBase64(signature)
    return bytes?.length === SIGNATURE_BYTES && verify(null, Buffer.from(text), this.#key, bytes)
  }
}

/**
 * The y coordinates, little-endian, of the eight points whose order divides 8, with their encodings above the field's
 * prime 2^255 - 19.
 */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

function isOfSmallOrder(key: Buffer): boolean {
  const y = Buffer.from(key)
  y[31] = (y[31] ?? 0) & 0x7f // the top bit is the sign of x
  return SMALL_ORDER.has(y.toString('hex'))
}
