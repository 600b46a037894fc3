import { EventType, KnownMembership, Preset } from 'matrix-js-sdk'
import { describe, expect, it } from 'vitest'
import { FakeClock } from '../support/clock.ts'
import { type Federated, World } from '../support/servers.ts'
import { EncryptingClient, type Place, verifyByEmoji } from './encrypting-client.ts'

const ENCRYPTED = {
  type: EventType.RoomEncryption,
  state_key: '',
  content: { algorithm: 'm.megolm.v1.aes-sha2' },
}

/** A server that clients follow wherever it goes. */
class Home implements Place {
  server: Federated
  readonly clients: EncryptingClient[] = []

  constructor(server: Federated) {
    this.server = server
  }

  get url(): string {
    return this.server.url
  }

  async signUp(username: string): Promise<EncryptingClient> {
    return this.#keep(await EncryptingClient.signUp(this, username))
  }

  async logInAgain(client: EncryptingClient): Promise<EncryptingClient> {
    return this.#keep(await client.logInAgain(this))
  }

  /** Ends it without warning, and starts it again. Its clients would wait some seconds before they try again. */
  async kill(): Promise<void> {
    this.server = await this.server.restart()
    for (const { sdk } of this.clients) sdk.retryImmediately()
  }

  #keep(client: EncryptingClient): EncryptingClient {
    this.clients.push(client)
    return client
  }
}

/** What clients see once their sync has brought it, and time has passed for what waits to be tried again. */
const eventually = <T>(world: World, see: () => T | Promise<T>) =>
  expect.poll(
    () => {
      world.clock.advance(500)
      return see()
    },
    { interval: 20, timeout: 30_000 },
  )

/** Alice on one server and Bob on another, in an encrypted room. */
async function conversation() {
  // Clients do not answer those who seem to ask from another time.
  const world = await World.create({ clock: new FakeClock(Date.now()) })
  const one = new Home(await world.start('one.test'))
  const two = new Home(await world.start('two.test'))
  const alice = await one.signUp('alice')
  const bob = await two.signUp('bob')
  await alice.setUp()
  await bob.setUp()
  const { room_id: roomId } = await alice.sdk.createRoom({
    preset: Preset.TrustedPrivateChat,
    invite: [bob.userId],
    initial_state: [ENCRYPTED],
  })
  await eventually(world, () => bob.sdk.getRoom(roomId)?.getMyMembership()).toBe(KnownMembership.Invite)
  await bob.sdk.joinRoom(roomId, { viaServers: ['one.test'] })
  for (const { sdk } of [alice, bob]) {
    await eventually(world, () => sdk.getRoom(roomId)?.getJoinedMemberCount()).toBe(2)
    await eventually(world, () => sdk.getRoom(roomId)?.hasEncryptionStateEvent()).toBe(true)
  }
  const reads = (client: EncryptingClient, ...texts: string[]) =>
    eventually(world, () => client.textsIn(roomId)).toEqual(texts)
  return { world, one, two, alice, bob, roomId, reads }
}

describe('two people on two servers whose clients encrypt', () => {
  it('read what each other says, verify each other, and read it on a new device from the backup', async () => {
    const { world, one, alice, bob, roomId, reads } = await conversation()
    await alice.sdk.sendTextMessage(roomId, 'Is this private?')
    await reads(bob, 'Is this private?')
    await bob.sdk.sendTextMessage(roomId, 'Nobody else can read it.')
    await reads(alice, 'Is this private?', 'Nobody else can read it.')

    await verifyByEmoji(alice, bob, roomId)
    await eventually(world, () => alice.trusts(bob)).toBe(true)
    await eventually(world, () => bob.trusts(alice)).toBe(true)

    await eventually(world, () => alice.backedUpKeys()).toBe(2)
    const phone = await one.logInAgain(alice)
    await phone.recover()
    expect(await phone.trusts(bob)).toBe(true)
    await reads(phone, 'Is this private?', 'Nobody else can read it.')
    await bob.sdk.sendTextMessage(roomId, 'Welcome on your phone')
    await reads(phone, 'Is this private?', 'Nobody else can read it.', 'Welcome on your phone')
  }, 60_000)

  it('lose no message when either server is killed in the middle', async () => {
    const { world, one, two, alice, bob, roomId, reads } = await conversation()
    const said: string[] = []
    const say = async (client: EncryptingClient, text: string) => {
      said.push(text)
      await client.sdk.sendTextMessage(roomId, text)
    }
    await say(alice, 'before')
    await reads(bob, ...said)

    await two.kill()
    await say(alice, 'after theirs was killed')
    await reads(bob, ...said)

    world.network.cut(two.server.address)
    await alice.crypto.forceDiscardSession(roomId)
    await say(alice, 'with a new key, while theirs is away')
    await one.kill()
    await say(alice, 'after ours was killed')
    world.network.mend(two.server.address)
    await reads(bob, ...said)

    await say(bob, 'and back')
    await one.kill()
    await two.kill()
    await reads(alice, ...said)

    world.network.cut(one.server.address)
    const phone = await two.logInAgain(bob)
    await two.kill()
    world.network.mend(one.server.address)
    await eventually(world, async () => {
      const devices = (await alice.crypto.getUserDeviceInfo([bob.userId])).get(bob.userId)
      return devices?.has(phone.sdk.getDeviceId() ?? '')
    }).toBe(true)
    await say(alice, 'also on your phone')
    await reads(bob, ...said)
    await eventually(world, () => phone.textsIn(roomId).at(-1)).toBe('also on your phone')
  }, 120_000)
})
