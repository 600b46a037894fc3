import fc from 'fast-check'
import nacl from 'tweetnacl'
import { describe, expect, it } from 'vitest'
import { fromBase64, toBase64 } from '../../src/matrix/base64.ts'
import type { JsonObject } from '../../src/matrix/json.ts'
import { signJson, verifyJson } from '../../src/matrix/sign-json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import { VerifyKey } from '../../src/matrix/verify-key.ts'

// Spec: appendices, Cryptographic Test Vectors.
const SEED = fromBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array()
const key = new SigningKey('1', SEED)

const verifyKeyOf = (signer: SigningKey): VerifyKey => {
  const found = VerifyKey.from(signer.publicKey)
  if (!found) throw new Error('Not a key')
  return found
}
const keys = new Map([['ed25519:1', verifyKeyOf(key)]])

describe('signing JSON', () => {
  it.each([
    [{}, 'K8280/U9SSy9IVtjBuVeLr+HpOB4BQFWbg+UZaADMtTdGYI7Geitb76LTrr5QV/7Xg4ahLwYGYZzuHGZKM5ZAQ'],
    [{ one: 1, two: 'Two' }, 'KqmLSbO39/Bzb0QIYE82zqLwsA+PDzYIpIRA2sRQ4sL53+sN6/fpNSoqE7BP7vBZhG6kYdD13EIMJpvhJI+6Bw'],
  ])('signs %j as the specification does', (object, signature) => {
    expect(signJson(object, 'domain', key)).toEqual({ ...object, signatures: { domain: { 'ed25519:1': signature } } })
  })

  it('makes the same bytes as tweetnacl', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.string({ unit: 'grapheme' }), (seed, text) => {
        const { publicKey, secretKey } = nacl.sign.keyPair.fromSeed(seed)
        const own = new SigningKey('x', seed)
        expect(own.publicKey).toBe(toBase64(publicKey))
        expect(own.sign(text)).toBe(toBase64(nacl.sign.detached(Buffer.from(text), secretKey)))
        expect(verifyKeyOf(own).verifyNow(text, own.sign(text))).toBe(true)
      }),
      { numRuns: 10 }, // tweetnacl takes milliseconds
    )
  })

  it('keeps the signatures of others, and does not sign them or unsigned', async () => {
    const object = { a: 1, signatures: { other: { 'ed25519:x': 'AAAA' } }, unsigned: { age: 1 } }
    const signed = signJson(object, 'domain', key)
    expect(signed.signatures.other).toEqual({ 'ed25519:x': 'AAAA' })
    expect(signed.signatures.domain).toEqual(signJson({ a: 1 }, 'domain', key).signatures.domain)
    expect(await verifyJson({ ...signed, unsigned: { age: 2 } }, 'domain', keys)).toBe(true)
  })
})

describe('verifying JSON', () => {
  const signed = signJson({ a: 1 }, 'domain', key)

  it('accepts what was signed, and nothing else', async () => {
    expect(await verifyJson(signed, 'domain', keys)).toBe(true)
    expect(await verifyJson({ ...signed, a: 2 }, 'domain', keys)).toBe(false)
    expect(await verifyJson(signed, 'other', keys)).toBe(false)
    expect(await verifyJson(signed, 'constructor', keys)).toBe(false)
    expect(await verifyJson({ a: 1 }, 'domain', keys)).toBe(false)
  })

  it('refuses whatever has no canonical form or no signatures in it', async () => {
    const bomb: JsonObject = JSON.parse(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    for (const object of [{ ...signed, ...bomb }, { signatures: 1 }, { signatures: { domain: [] } }]) {
      expect(await verifyJson(object, 'domain', keys)).toBe(false)
    }
  })

  it('ignores signatures by keys that are not known, but needs one that is', async () => {
    const more = signJson(signed, 'domain', new SigningKey('2', new Uint8Array(32)))
    expect(await verifyJson(more, 'domain', keys)).toBe(true)
    expect(await verifyJson(more, 'domain', new Map())).toBe(false)
  })

  it('refuses when one of two known keys signed wrongly', async () => {
    const second = new SigningKey('2', new Uint8Array(32))
    const wrong = { ...signed, signatures: { domain: { ...signed.signatures.domain, 'ed25519:2': key.sign('x') } } }
    expect(await verifyJson(wrong, 'domain', new Map([...keys, ['ed25519:2', verifyKeyOf(second)]]))).toBe(false)
  })

  it.each(['', '====', 'not base64!', 'AAAA', 'A'.repeat(86)])('refuses the signature %j', async (signature) => {
    expect(await verifyKeyOf(key).verify('{}', signature)).toBe(false)
    expect(verifyKeyOf(key).verifyNow('{}', signature)).toBe(false)
  })

  it('refuses a malleable signature, which tweetnacl accepts', () => {
    const bytes = Buffer.from(key.sign('{}'), 'base64')
    // S + L is the same scalar, as the order of the group is L.
    const order = 2n ** 252n + 27742317777372353535851937790883648493n
    const s = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order
    Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse().copy(bytes, 32)
    const publicKey = fromBase64(key.publicKey) ?? new Uint8Array()
    expect(nacl.sign.detached.verify(Buffer.from('{}'), bytes, publicKey)).toBe(true)
    expect(verifyKeyOf(key).verifyNow('{}', toBase64(bytes))).toBe(false)
  })
})

describe('public keys', () => {
  it.each([
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0100000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  ])('refuse %s, whose order is small', (hex) => {
    expect(VerifyKey.from(toBase64(Buffer.from(hex, 'hex')))).toBeUndefined()
  })

  it('refuse what is no key', () => {
    for (const text of ['', 'AAAA', 'A'.repeat(44), '%'.repeat(43)]) expect(VerifyKey.from(text)).toBeUndefined()
  })
})

describe('key files', () => {
  it('hold a key as Synapse writes it', () => {
    const text = key.toFileText()
    expect(text).toMatch(/^ed25519 1 [A-Za-z0-9+/]{43}\n$/)
    expect(SigningKey.parse(text).sign('x')).toBe(key.sign('x'))
    expect(SigningKey.parse('ed25519 a_AbCd YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA0=').keyId).toBe('ed25519:a_AbCd')
  })

  it.each(['', 'ed25519 1', 'ed25519 1 AAAA', 'rsa 1 AAAA', `ed25519 a:b ${'A'.repeat(43)}`])('refuse %j', (text) => {
    expect(() => SigningKey.parse(text)).toThrow('Not a signing key')
  })
})

describe('base64', () => {
  it.each(['', 'Zg', 'Zm8', 'Zm9v', 'Zm9vYg', 'Zm9vYmE', 'Zm9vYmFy'])('writes %j as the specification does', (text) => {
    expect(toBase64(Buffer.from('foobar'.slice(0, (text.length * 3) / 4)))).toBe(text)
  })

  it('reads both alphabets, padded or not, and nothing else', () => {
    expect(fromBase64('-_8')).toEqual(fromBase64('+/8='))
    for (const text of ['A', 'A===', 'Zm9v\n', 'Zg=a']) expect(fromBase64(text)).toBeUndefined()
  })
})
