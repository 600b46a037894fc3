import { ClientEvent, createClient, type MatrixClient, Method, SyncState } from 'matrix-js-sdk'
import {
  type BootstrapCrossSigningOpts,
  CryptoEvent,
  type GeneratedSecretStorageKey,
  type ShowSasCallbacks,
  type VerificationRequest,
  type Verifier,
  VerifierEvent,
} from 'matrix-js-sdk/lib/crypto-api/index.js'
import { RustBackupManager } from 'matrix-js-sdk/lib/rust-crypto/backup.js'
import { onTestFinished } from 'vitest'
import { Client } from '../support/client.ts'

/** Clients wait for up to ten seconds, so that not all of them back up at once. */
Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 })

/** Where a server is reached: it may be elsewhere after a restart. */
export interface Place {
  url: string
}

/** A client of matrix-js-sdk that encrypts, with its Rust code. Its server may be restarted meanwhile. */
export class EncryptingClient {
  readonly sdk: MatrixClient
  /** What opens the secrets that a user keeps on the server. */
  recoveryKey: GeneratedSecretStorageKey | undefined

  private constructor(
    place: Place,
    session: { userId: string; accessToken: string | undefined; deviceId: string },
    recoveryKey?: GeneratedSecretStorageKey,
  ) {
    const { userId, accessToken = '', deviceId } = session
    this.recoveryKey = recoveryKey
    this.sdk = createClient({
      baseUrl: 'http://server.test',
      userId,
      accessToken,
      deviceId,
      timelineSupport: true,
      fetchFn: (input, init) => fetch(String(input).replace('http://server.test', place.url), init),
      cryptoCallbacks: {
        getSecretStorageKey: async ({ keys }) => {
          const [keyId] = Object.keys(keys)
          return keyId !== undefined && this.recoveryKey ? [keyId, this.recoveryKey.privateKey] : null
        },
      },
    })
  }

  /** Registers, and syncs until the test ends. */
  static async signUp(place: Place, username: string): Promise<EncryptingClient> {
    return EncryptingClient.#start(place, await new Client(place.url).register(username))
  }

  /** The same user on another device; `recoveryKey`: what that user knows. */
  async logInAgain(place: Place): Promise<EncryptingClient> {
    const user = await new Client(place.url).login(this.userId)
    return EncryptingClient.#start(place, user, this.recoveryKey)
  }

  static async #start(
    place: Place,
    session: { userId: string; accessToken: string | undefined; deviceId: string },
    recoveryKey?: GeneratedSecretStorageKey,
  ): Promise<EncryptingClient> {
    const client = new EncryptingClient(place, session, recoveryKey)
    await client.sdk.initRustCrypto({ useIndexedDB: false })
    onTestFinished(() => client.sdk.stopClient())
    const { promise: prepared, resolve } = Promise.withResolvers<void>()
    client.sdk.on(ClientEvent.Sync, (state) => {
      if (state === SyncState.Prepared) resolve()
    })
    await client.sdk.startClient({ threadSupport: true, initialSyncLimit: 100 })
    await prepared
    return client
  }

  get userId(): string {
    return this.sdk.getSafeUserId()
  }

  get crypto() {
    const crypto = this.sdk.getCrypto()
    if (!crypto) throw new Error('This client does not encrypt')
    return crypto
  }

  /** Sets up cross-signing, a recovery key, and a backup of the room keys, as a new user's first client does. */
  async setUp(): Promise<void> {
    const authUploadDeviceSigningKeys: BootstrapCrossSigningOpts['authUploadDeviceSigningKeys'] = async (request) => {
      await request(null)
    }
    await this.crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys })
    await this.crypto.bootstrapSecretStorage({
      createSecretStorageKey: async () => {
        this.recoveryKey = await this.crypto.createRecoveryKeyFromPassphrase()
        return this.recoveryKey
      },
      setupNewKeyBackup: true,
    })
  }

  /** How many room keys the server holds for the user. */
  async backedUpKeys(): Promise<number> {
    return (await this.sdk.http.authedRequest<{ count: number }>(Method.Get, '/room_keys/version')).count
  }

  /** Gets at the user's secrets, and reads the room keys from the backup, as a new client of an old user does. */
  async recover(): Promise<void> {
    // The secrets are held against the public keys, which a new device has to ask for.
    await this.crypto.userHasCrossSigningKeys(undefined, true)
    await this.crypto.bootstrapCrossSigning({})
    await this.crypto.loadSessionBackupPrivateKeyFromSecretStorage()
    await this.crypto.checkKeyBackupAndEnable()
    await this.crypto.restoreKeyBackup()
  }

  /** The texts of a room's messages; of one that cannot be decrypted, why. */
  textsIn(roomId: string): string[] {
    const events = this.sdk.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []
    return events
      .filter((event) => event.isDecryptionFailure() || event.getContent().msgtype === 'm.text')
      .map((event) => (event.isDecryptionFailure() ? `${event.decryptionFailureReason}` : event.getContent().body))
  }

  /** Whether this user has verified the other. */
  async trusts(other: EncryptingClient): Promise<boolean> {
    return (await this.crypto.getUserVerificationStatus(other.userId)).isCrossSigningVerified()
  }
}

/** Two users compare emoji in a room, and find them the same. */
export async function verifyByEmoji(one: EncryptingClient, two: EncryptingClient, roomId: string): Promise<void> {
  const asked = new Promise<VerificationRequest>((resolve) => {
    two.sdk.once(CryptoEvent.VerificationRequestReceived, resolve)
  })
  const request = await one.crypto.requestVerificationDM(two.userId, roomId)
  const received = await asked
  await received.accept()
  await until(() => request.otherPartySupportsMethod('m.sas.v1'))
  const verifier = await request.startVerification('m.sas.v1')
  await until(() => received.verifier !== undefined)
  if (!received.verifier) throw new Error('There is no verifier')
  const [mine, theirs] = [emojiOf(verifier), emojiOf(received.verifier)]
  const done = [verifier.verify(), received.verifier.verify()]
  const [seen, seenThere] = [await mine, await theirs]
  if (JSON.stringify(seen.sas.emoji) !== JSON.stringify(seenThere.sas.emoji)) throw new Error('The emoji differ')
  await Promise.all([seen.confirm(), seenThere.confirm(), ...done])
}

const emojiOf = (verifier: Verifier): Promise<ShowSasCallbacks> =>
  new Promise((resolve) => {
    verifier.once(VerifierEvent.ShowSas, resolve)
  })

async function until(claim: () => boolean): Promise<void> {
  for (let tries = 0; tries < 500 && !claim(); tries++) await new Promise((resolve) => setTimeout(resolve, 10))
  if (!claim()) throw new Error('It did not come about')
}
