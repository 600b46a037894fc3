import { describe, expect, it } from 'vitest'
import {
  claimed,
  devicesSeen,
  encryptedPair,
  publish,
  publishFallback,
  publishOneTime,
} from '../../support/encryption.ts'
import { joinVia, pair, until } from '../../support/federated.ts'

describe('Keys of users of other servers', () => {
  it('are asked for once, and followed while a room is shared', async () => {
    const { world, alice, bob } = await encryptedPair()
    await publish(bob)
    await until(
      () => alice.sync(),
      ({ device_lists }) => device_lists?.changed.includes(bob.userId),
    )
    expect(await devicesSeen(alice, bob)).toEqual({ devices: { [bob.deviceId]: 'key 1' }, failed: [] })
    await publish(bob, '2')
    await until(
      () => alice.sync(),
      ({ device_lists }) => device_lists?.changed.includes(bob.userId),
    )
    expect(await devicesSeen(alice, bob)).toEqual({ devices: { [bob.deviceId]: 'key 2' }, failed: [] })
    world.network.cut('10.0.0.2')
    expect(await devicesSeen(alice, bob)).toEqual({ devices: { [bob.deviceId]: 'key 2' }, failed: [] })
  })

  it('are asked for each time where no room is shared', async () => {
    const { world, two, alice, bob } = await pair()
    await publish(bob)
    expect((await devicesSeen(alice, bob)).devices).toEqual({ [bob.deviceId]: 'key 1' })
    await publish(bob, '2')
    expect((await devicesSeen(alice, bob)).devices).toEqual({ [bob.deviceId]: 'key 2' })
    world.network.cut(two.address)
    expect(await devicesSeen(alice, bob)).toEqual({ devices: {}, failed: ['two.test'] })
  })

  it('are given out once, and then the fallback key', async () => {
    const { alice, bob } = await pair()
    await publish(bob)
    await publishOneTime(bob, 'a')
    await publishFallback(bob, 'f')
    expect(await claimed(alice, bob)).toBe('a')
    expect(await claimed(alice, bob)).toBe('f')
    expect((await bob.sync()).device_unused_fallback_key_types).toEqual([])
  })

  it('are asked for again after the room was left and entered again', async () => {
    const { alice, bob, roomId } = await encryptedPair()
    await publish(bob)
    await devicesSeen(alice, bob)
    await bob.leave(roomId)
    await until(
      () => alice.sync(),
      ({ device_lists }) => device_lists?.left.includes(bob.userId),
    )
    await publish(bob, '2')
    await joinVia(bob, roomId, 'one.test')
    await until(
      () => alice.sync(),
      ({ device_lists }) => device_lists?.changed.includes(bob.userId),
    )
    expect((await devicesSeen(alice, bob)).devices).toEqual({ [bob.deviceId]: 'key 2' })
  })
})
