import { EventType, type MatrixClient, type MatrixEvent, Method, Preset, type Room } from 'matrix-js-sdk'
import { CryptoEvent, type ShowSasCallbacks, type VerificationRequest } from 'matrix-js-sdk/lib/crypto-api/index.js'
import { VerificationPhase, type Verifier, VerifierEvent } from 'matrix-js-sdk/lib/crypto-api/verification.js'
import { RustBackupManager } from 'matrix-js-sdk/lib/rust-crypto/backup.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeClock } from '../support/clock.ts'
import { openServer, type TestServer } from '../support/server.ts'
import { eventually, type Keys, logIn, roomOf, signUp } from './sdk.ts'

/** Clients wait for up to ten seconds, so that not all of them back up at once. */
Object.assign(RustBackupManager, { maxBackupLoopStartDelayMillis: 0 })

/** What clients with the Rust encryption of matrix-js-sdk do by way of the server. */
describe('people whose clients encrypt', () => {
  let server: TestServer
  beforeAll(async () => {
    // Clients ignore verifications that began long ago by their own clock.
    server = await openServer({ clock: new FakeClock(Date.now()) })
  })
  afterAll(() => server.close())

  let people = 0
  const newcomer = (name: string, keys: Keys = {}) => signUp(server.url, `${name}-${++people}`, { keys })

  /** Alice's encrypted room, in which Bob is. */
  async function conversation(keys: { readonly ofAlice?: Keys; readonly ofBob?: Keys } = {}) {
    const [alice, bob] = await Promise.all([newcomer('alice', keys.ofAlice), newcomer('bob', keys.ofBob)])
    const algorithm = { type: EventType.RoomEncryption, content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const { room_id: roomId } = await alice.createRoom({
      preset: Preset.PrivateChat,
      initial_state: [{ ...algorithm, state_key: '' }],
      invite: [idOf(bob)],
    })
    await bob.joinRoom(roomId)
    await eventually(() => roomOf(alice, roomId).getMember(idOf(bob))?.membership).toBe('join')
    await eventually(() => bob.getRoom(roomId)?.hasEncryptionStateEvent()).toBe(true)
    return { alice, bob, roomId }
  }

  it('read each other, and the server reads nothing', async () => {
    const { alice, bob, roomId } = await conversation()
    await alice.sendTextMessage(roomId, 'Shall we?')
    await eventually(() => textsIn(bob, roomId)).toEqual(['Shall we?'])
    await bob.sendTextMessage(roomId, '네, 좋아요 🍵')
    await eventually(() => textsIn(alice, roomId)).toEqual(['Shall we?', '네, 좋아요 🍵'])
    const wireTypes = roomOf(alice, roomId)
      .getLiveTimeline()
      .getEvents()
      .map((event) => event.getWireType())
    expect(wireTypes).not.toContain(EventType.RoomMessage)
  })

  it('verify each other by emoji, which their other devices then know', async () => {
    const keys: Keys = {}
    const ofBob: Keys = {}
    const { alice, bob, roomId } = await conversation({ ofAlice: keys, ofBob })
    await setUp(alice, keys)
    await setUp(bob, ofBob)
    await bob.sendTextMessage(roomId, 'Is it you?')
    await eventually(() => textsIn(alice, roomId)).toEqual(['Is it you?'])

    const asked = nextRequest(bob)
    const request = await cryptoOf(alice).requestVerificationDM(idOf(bob), roomId)
    await verify(request, await asked)
    await eventually(() => cryptoOf(alice).getUserVerificationStatus(idOf(bob)).then(isVerified)).toBe(true)
    await eventually(() => cryptoOf(bob).getUserVerificationStatus(idOf(alice)).then(isVerified)).toBe(true)

    const tablet = await logIn(server.url, idOf(alice), { keys })
    await takeOver(tablet)
    await eventually(() => cryptoOf(tablet).getUserVerificationStatus(idOf(bob)).then(isVerified)).toBe(true)
  })

  it('verify a second device of their own by emoji', async () => {
    const keys: Keys = {}
    const { alice } = await conversation({ ofAlice: keys })
    await setUp(alice, keys)
    const tablet = await logIn(server.url, idOf(alice), { keys: {} })
    // Clients ignore a request of a device that they have not heard of yet.
    await eventually(() => devicesSeenBy(alice, alice)).toContain(tablet.getDeviceId())
    await eventually(() => devicesSeenBy(tablet, alice)).toContain(alice.getDeviceId())
    const asked = nextRequest(alice)
    await verify(await cryptoOf(tablet).requestOwnUserVerification(), await asked)
    const statusAt = (client: MatrixClient) =>
      cryptoOf(client).getDeviceVerificationStatus(idOf(alice), tablet.getDeviceId() ?? '')
    await eventually(() => statusAt(alice).then((status) => status?.crossSigningVerified)).toBe(true)
    // The secrets came from the other device.
    const secrets = () => cryptoOf(tablet).getCrossSigningStatus()
    await eventually(() => secrets().then((status) => status.privateKeysCachedLocally.masterKey)).toBe(true)
  })

  it('read what was said before on a new device, from the backup and the recovery key', async () => {
    const keys: Keys = {}
    const { alice, bob, roomId } = await conversation({ ofAlice: keys })
    await setUp(alice, keys)
    await alice.sendTextMessage(roomId, 'Written down')
    await bob.sendTextMessage(roomId, 'Read aloud')
    await eventually(() => textsIn(alice, roomId)).toEqual(['Written down', 'Read aloud'])
    await eventually(() => backedUpKeys(alice)).toBe(2)

    const tablet = await logIn(server.url, idOf(alice), { keys })
    expect(textsIn(tablet, roomId)).toEqual([])
    await takeOver(tablet)
    await cryptoOf(tablet).loadSessionBackupPrivateKeyFromSecretStorage()
    await cryptoOf(tablet).checkKeyBackupAndEnable()
    expect(await cryptoOf(tablet).restoreKeyBackup()).toMatchObject({ total: 2, imported: 2 })
    await eventually(() => textsIn(tablet, roomId)).toEqual(['Written down', 'Read aloud'])

    await bob.sendTextMessage(roomId, 'To both of you')
    await eventually(() => textsIn(tablet, roomId)).toContain('To both of you')
    await eventually(() => textsIn(alice, roomId)).toContain('To both of you')
  })

  it('are sent keys while they are logged in nowhere, by way of a device that they left behind', async () => {
    const keys: Keys = {}
    const { alice, bob, roomId } = await conversation({ ofAlice: keys })
    await setUp(alice, keys)
    await cryptoOf(alice).startDehydration()
    await alice.logout(true)
    const devicesSeenByBob = async () => (await cryptoOf(bob).getUserDeviceInfo([idOf(alice)])).get(idOf(alice))
    await eventually(async () =>
      [...((await devicesSeenByBob())?.values() ?? [])].map(({ dehydrated }) => dehydrated),
    ).toEqual([true])
    await bob.sendTextMessage(roomId, 'While you were out')

    const tablet = await logIn(server.url, idOf(alice), { keys })
    await takeOver(tablet)
    expect(textsIn(tablet, roomId)).toEqual([])
    await cryptoOf(tablet).startDehydration()
    await eventually(() => textsIn(tablet, roomId)).toEqual(['While you were out'])
  })

  it('send nothing more to a device that was logged out', async () => {
    const { alice, bob, roomId } = await conversation()
    const tablet = await logIn(server.url, idOf(alice), { keys: {} })
    const devicesSeenByBob = () => devicesSeenBy(bob, alice)
    await eventually(devicesSeenByBob).toEqual([alice.getDeviceId(), tablet.getDeviceId()].sort())
    await bob.sendTextMessage(roomId, 'To both')
    await eventually(() => textsIn(tablet, roomId)).toContain('To both')

    await tablet.logout(true)
    await eventually(devicesSeenByBob).toEqual([alice.getDeviceId()])
    await bob.sendTextMessage(roomId, 'To the one that is left')
    await eventually(() => textsIn(alice, roomId)).toEqual(['To both', 'To the one that is left'])
  })
})

/** Makes a user's cross-signing keys, secret storage and backup, as clients do at the first login. */
async function setUp(client: MatrixClient, keys: Keys): Promise<void> {
  const crypto = cryptoOf(client)
  const recoveryKey = await crypto.createRecoveryKeyFromPassphrase()
  keys.recoveryKey = recoveryKey
  await crypto.bootstrapCrossSigning({ authUploadDeviceSigningKeys: async (upload) => void (await upload(null)) })
  await crypto.bootstrapSecretStorage({
    createSecretStorageKey: async () => recoveryKey,
    setupNewSecretStorage: true,
    setupNewKeyBackup: true,
  })
}

/** Makes a new device one of the user's own, by what the recovery key opens. */
async function takeOver(client: MatrixClient): Promise<void> {
  await cryptoOf(client).userHasCrossSigningKeys(idOf(client), true)
  await cryptoOf(client).bootstrapCrossSigning({})
}

/** The devices of a user of which a client knows. */
async function devicesSeenBy(client: MatrixClient, user: MatrixClient): Promise<string[]> {
  const devices = await cryptoOf(client).getUserDeviceInfo([idOf(user)])
  return [...(devices.get(idOf(user))?.keys() ?? [])].sort()
}

/** How many keys the server holds for the user. */
const backedUpKeys = async (client: MatrixClient): Promise<number> =>
  (await client.http.authedRequest<{ count: number }>(Method.Get, '/room_keys/version')).count

const nextRequest = (client: MatrixClient): Promise<VerificationRequest> =>
  new Promise((resolve) => client.once(CryptoEvent.VerificationRequestReceived, resolve))

/** Both sides compare what they are shown, and say that it is the same. */
async function verify(mine: VerificationRequest, theirs: VerificationRequest): Promise<void> {
  await theirs.accept()
  await eventually(() => mine.phase).toBe(VerificationPhase.Ready)
  const verifier = await mine.startVerification('m.sas.v1')
  await eventually(() => theirs.verifier).toBeDefined()
  if (!theirs.verifier) throw new Error('The other side has not begun')
  const sides = [verifier, theirs.verifier]
  const shown = Promise.all(sides.map(emojiOf))
  const done = Promise.all(sides.map((side) => side.verify()))
  const [first, second] = await Promise.race([shown, done.then(() => Promise.reject(new Error('Nothing was shown')))])
  expect(first?.sas.emoji).toEqual(second?.sas.emoji)
  expect(first?.sas.emoji).toHaveLength(7)
  await Promise.all([first?.confirm(), second?.confirm()])
  await done
}

const emojiOf = (verifier: Verifier): Promise<ShowSasCallbacks> =>
  new Promise((resolve) => verifier.once(VerifierEvent.ShowSas, resolve))

function cryptoOf(client: MatrixClient) {
  const crypto = client.getCrypto()
  if (!crypto) throw new Error('This client does not encrypt')
  return crypto
}

const idOf = (client: MatrixClient): string => client.getSafeUserId()

const isVerified = (status: { isVerified(): boolean }): boolean => status.isVerified()

const eventsIn = (room: Room): MatrixEvent[] => room.getLiveTimeline().getEvents()

/** What the client could decrypt. */
const textsIn = (client: MatrixClient, roomId: string): string[] =>
  eventsIn(roomOf(client, roomId))
    .filter((event) => event.getType() === EventType.RoomMessage && !event.isDecryptionFailure())
    .filter((event) => event.getContent().msgtype === 'm.text')
    .map((event) => event.getContent().body)
