import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { signedText } from '../../src/matrix/sign-json.ts'
import type { Usage } from '../../src/storage/keys/cross-signing.ts'
import type { User } from './client.ts'

/** An ed25519 key that a client keeps for itself. */
export class SecretKey {
  /** Unpadded base64. */
  readonly publicKey: string
  readonly #secret: KeyObject

  constructor() {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    this.publicKey = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
      .toString('base64')
      .replace(/=+$/, '')
    this.#secret = privateKey
  }

  /** The object with no signature but this one. `name`: under which the key is known, by default its public key. */
  sign<T extends object>(object: T, userId: string, name = this.publicKey) {
    const bytes = sign(null, Buffer.from(signedText(object)), this.#secret)
    const signature = bytes.toString('base64').replace(/=+$/, '')
    return { ...object, signatures: { [userId]: { [`ed25519:${name}`]: signature } } }
  }
}

/** A user's cross-signing keys and device key, as an encrypting client makes them. */
export class Identity {
  readonly user: User
  readonly device = new SecretKey()
  readonly master = new SecretKey()
  readonly selfSigning = new SecretKey()
  readonly userSigning = new SecretKey()

  constructor(user: User) {
    this.user = user
  }

  get deviceKeys() {
    const { userId, deviceId } = this.user
    const keys = { [`ed25519:${deviceId}`]: this.device.publicKey, [`curve25519:${deviceId}`]: this.device.publicKey }
    const algorithms = ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2']
    return this.device.sign({ user_id: userId, device_id: deviceId, algorithms, keys }, userId, deviceId)
  }

  get masterKey() {
    return this.#key('master', this.master)
  }

  /** The body of uploadCrossSigningKeys. */
  get keys() {
    const { userId } = this.user
    return {
      master_key: this.masterKey,
      self_signing_key: this.master.sign(this.#key('self_signing', this.selfSigning), userId),
      user_signing_key: this.master.sign(this.#key('user_signing', this.userSigning), userId),
    }
  }

  /** Publishes all of them. */
  async publish(): Promise<this> {
    await this.user.post('/v3/keys/upload', { device_keys: this.deviceKeys })
    await this.user.post('/v3/keys/device_signing/upload', this.keys)
    return this
  }

  #key(usage: Usage, { publicKey }: SecretKey) {
    return { user_id: this.user.userId, usage: [usage], keys: { [`ed25519:${publicKey}`]: publicKey } }
  }
}
