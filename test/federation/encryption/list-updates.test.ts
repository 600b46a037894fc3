import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../../src/matrix/json.ts'
import type { User } from '../../support/client.ts'
import { devicesSeen } from '../../support/encryption.ts'
import { inTime, joinVia, until } from '../../support/federated.ts'
import { Identity } from '../../support/identity.ts'
import { Peer } from '../../support/peer.ts'
import { World } from '../../support/servers.ts'

/** Alice in the room of a server that says of its user's devices what a test has it say. */
class Scene {
  readonly world: World
  readonly peer: Peer
  readonly alice: User
  /** What the peer answers when it is asked for the devices of its user. */
  devices: Record<string, string> = { ONE: '1' }
  streamId = 1
  isAway = false
  #send: (edus: JsonObject[]) => Promise<unknown>

  private constructor(world: World, peer: Peer, alice: User, send: (edus: JsonObject[]) => Promise<unknown>) {
    this.world = world
    this.peer = peer
    this.alice = alice
    this.#send = send
  }

  static async open(): Promise<Scene> {
    const world = await World.create()
    const one = await world.start('one.test')
    const peer = await Peer.start(world)
    const alice = await one.client.register('alice')
    await joinVia(alice, peer.room.roomId, 'peer.test')
    const scene = new Scene(world, peer, alice, (edus) => peer.send(one, [], { edus }))
    scene.#serve()
    await alice.sync()
    return scene
  }

  /** How often the peer was asked for the list. */
  get asked(): number {
    return this.peer.asked.filter((path) => /user\/(?:devices|keys\/query)/.test(path)).length
  }

  /** The devices that alice gets. */
  async seen(): Promise<Record<string, string>> {
    return (await devicesSeen(this.alice, { userId: this.peer.creator })).devices
  }

  /** Whether her next sync tells her to look again. */
  async isTold(): Promise<boolean> {
    return (await this.alice.sync()).device_lists?.changed.includes(this.peer.creator) ?? false
  }

  becomesTold(): Promise<boolean> {
    return inTime(
      this.world,
      () => this.isTold(),
      (told) => told,
    )
  }

  /** Announces a change, and makes it. */
  update(deviceId: string, key: string | undefined, streamId: number, prevIds: number[], fields: JsonObject = {}) {
    if (key === undefined) delete this.devices[deviceId]
    else this.devices[deviceId] = key
    this.streamId = streamId
    return this.announce(deviceId, key, streamId, prevIds, fields)
  }

  /** Announces a change, whatever the list is by now. */
  announce(deviceId: string, key: string | undefined, streamId: number, prevIds: number[], fields: JsonObject = {}) {
    const what = key === undefined ? { deleted: true } : { keys: this.#keys(deviceId, key) }
    const user_id = this.peer.creator
    const content = { user_id, device_id: deviceId, stream_id: streamId, prev_id: prevIds, ...what, ...fields }
    return this.#send([{ edu_type: 'm.device_list_update', content }])
  }

  send(type: string, content: JsonObject) {
    return this.#send([{ edu_type: type, content }])
  }

  #keys(deviceId: string, key: string): JsonObject {
    return {
      user_id: this.peer.creator,
      device_id: deviceId,
      algorithms: [],
      keys: { [`curve25519:${deviceId}`]: key },
      signatures: {},
    }
  }

  #serve(): void {
    const { fake, creator } = this.peer
    const user = '/_matrix/federation/v1/user'
    const answer = (body: () => object) => () => (this.isAway ? { status: 503, body: {} } : { body: body() })
    const entries = () => Object.entries(this.devices)
    fake.answers.set(
      `GET ${user}/devices/${encodeURIComponent(creator)}`,
      answer(() => ({
        user_id: creator,
        stream_id: this.streamId,
        devices: entries().map(([id, key]) => ({ device_id: id, keys: this.#keys(id, key) })),
      })),
    )
    fake.answers.set(
      `POST ${user}/keys/query`,
      answer(() => ({
        device_keys: { [creator]: Object.fromEntries(entries().map(([id, key]) => [id, this.#keys(id, key)])) },
      })),
    )
  }
}

/** A scene in which alice has read the list and our server follows it, at version 2. */
async function following(): Promise<Scene> {
  const scene = await Scene.open()
  await scene.seen()
  await scene.update('ONE', '2', 2, [1])
  await scene.becomesTold()
  await inTime(
    scene.world,
    async () => scene.asked,
    (asked) => asked === 2,
  )
  await scene.seen()
  return scene
}

describe('A device list that changes', () => {
  it('is followed without asking, as long as no update is missing', async () => {
    const scene = await following()
    const { asked } = scene
    await scene.update('TWO', '3', 3, [2])
    expect(await scene.isTold()).toBe(true)
    await scene.update('ONE', undefined, 4, [3])
    expect(await scene.isTold()).toBe(true)
    expect(await scene.seen()).toEqual({ TWO: '3' })
    expect(scene.asked).toBe(asked)
  })

  it('is read again when an update is missing, and what came is known at once', async () => {
    const scene = await following()
    scene.isAway = true
    scene.devices.LOST = '3'
    await scene.update('TWO', '4', 4, [3])
    expect(await scene.isTold()).toBe(true)
    expect(await scene.seen()).toEqual({ ONE: '2', TWO: '4' })
    scene.isAway = false
    await scene.becomesTold()
    expect(await scene.seen()).toEqual({ ONE: '2', TWO: '4', LOST: '3' })
    const { asked } = scene
    await scene.update('TWO', '5', 5, [4])
    expect(await scene.seen()).toEqual({ ONE: '2', TWO: '5', LOST: '3' })
    expect(scene.asked).toBe(asked)
  })

  it('is no news when the same update comes twice, or an old one late', async () => {
    const scene = await following()
    await scene.update('TWO', '3', 3, [2])
    await scene.isTold()
    await scene.update('TWO', '3', 3, [2])
    expect(await scene.isTold()).toBe(false)
    await scene.announce('TWO', 'old', 1, [])
    expect(await scene.seen()).toEqual({ ONE: '2', TWO: '3' })
    expect(await scene.isTold()).toBe(false)
  })

  it('is read again when a device writes that is not in it', async () => {
    const scene = await following()
    scene.devices.NEW = 'new'
    scene.streamId = 9
    await scene.send('m.direct_to_device', {
      sender: scene.peer.creator,
      type: 'm.room.encrypted',
      message_id: 'm1',
      messages: { [scene.alice.userId]: { '*': { sender_key: 'new' } } },
    })
    await scene.becomesTold()
    expect(await scene.seen()).toEqual({ ONE: '2', NEW: 'new' })
  })

  it('is news to those who share a room, though nobody here has read it', async () => {
    const scene = await Scene.open()
    await scene.update('TWO', '2', 2, [1])
    expect(await scene.isTold()).toBe(true)
    // That there is a list is none.
    await scene.update('TWO', '2', 2, [])
    expect(await scene.isTold()).toBe(false)
    expect(scene.asked).toBe(0)
  })

  it('is no concern of ours in the name of others, without a room, or in another form', async () => {
    const scene = await following()
    const before = await scene.seen()
    const { asked } = scene
    await scene.update('TWO', 'x', 3, [2], { user_id: '@carol:other.test' })
    await scene.update('TWO', 'x', 3, [2], { user_id: scene.alice.userId })
    await scene.update('TWO', 'x', 3, [2], { user_id: '@stranger:peer.test' })
    await scene.update('TWO', 'x', 3, [2], { stream_id: 'three' })
    await scene.update('TWO', 'x', 3, [2], { prev_id: 'two' })
    await scene.update('TWO', 'x', 3, [2], { device_id: 7 })
    expect(await scene.isTold()).toBe(false)
    expect(await scene.seen()).toEqual(before)
    expect(scene.asked).toBe(asked)
  })

  it('brings cross-signing keys', async () => {
    const scene = await following()
    const identity = new Identity({ ...scene.alice, userId: scene.peer.creator, deviceId: 'ONE' } as User)
    const { master_key, self_signing_key } = JSON.parse(JSON.stringify(identity.keys))
    await scene.send('m.signing_key_update', { user_id: scene.peer.creator, master_key, self_signing_key })
    expect(await scene.isTold()).toBe(true)
    const query = () => scene.alice.post('/v3/keys/query', { device_keys: { [scene.peer.creator]: [] } })
    expect(await query()).toMatchObject({
      master_keys: { [scene.peer.creator]: master_key },
      self_signing_keys: { [scene.peer.creator]: self_signing_key },
    })
    await scene.send('m.signing_key_update', { user_id: scene.peer.creator, master_key, self_signing_key })
    expect(await scene.isTold()).toBe(false)
  })
})

it('of our own users is told to others also where a device has no keys', async () => {
  const { alice, peer } = await Scene.open()
  await alice.put(`/v3/devices/${alice.deviceId}`, { display_name: 'the office' })
  const updates = () =>
    peer.fake.got
      .filter(({ uri }) => uri.includes('/send/'))
      .flatMap(({ body }) => JSON.parse(body).edus)
      .filter(({ edu_type }) => edu_type === 'm.device_list_update')
      .map(({ content }) => content)
  await until(
    async () => updates().at(-1),
    (content) => content?.prev_id?.length === 1,
  )
  // What people call their devices is nobody's business unless the configuration says otherwise.
  const { stream_id, ...content } = updates().at(-1)
  expect(stream_id).toBeGreaterThan(0)
  expect(content).toEqual({ user_id: alice.userId, device_id: alice.deviceId, prev_id: [0] })
})
