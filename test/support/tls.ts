import 'reflect-metadata' // which @peculiar/x509 asks for
import type { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate with its private key, PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
const { subtle } = globalThis.crypto

/** A certificate authority made on the spot. */
export class Authority {
  readonly cert: string
  readonly #certificate: x509.X509Certificate
  readonly #keys: webcrypto.CryptoKeyPair

  private constructor(certificate: x509.X509Certificate, keys: webcrypto.CryptoKeyPair) {
    this.cert = certificate.toString('pem')
    this.#certificate = certificate
    this.#keys = keys
  }

  static async create(name = 'An authority of the tests'): Promise<Authority> {
    const keys = await subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: '01',
      name: `CN=${name}`,
      ...validity(),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    })
    return new Authority(certificate, keys)
  }

  /** A certificate for these host names and addresses. */
  async issue(...names: string[]): Promise<Certificate> {
    const keys = await subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(8))).toString('hex'),
      subject: `CN=${names[0] ?? 'nobody'}`,
      issuer: this.#certificate.subject,
      ...validity(),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension(
          names.map((name) => ({ type: /^[\d.]+$|:/.test(name) ? 'ip' : 'dns', value: name })),
        ),
      ],
    })
    const key = new Uint8Array(await subtle.exportKey('pkcs8', keys.privateKey))
    return { cert: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') }
  }
}

const validity = () => ({ notBefore: new Date(Date.now() - DAY_MS), notAfter: new Date(Date.now() + DAY_MS) })
