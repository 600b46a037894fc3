import { describe, expect, it } from 'vitest'
import type { User } from '../../support/client.ts'
import {
  claimed,
  devicesSeen,
  encryptedPair,
  publish,
  publishFallback,
  publishOneTime,
  sendTo,
} from '../../support/encryption.ts'
import { inTime, joinVia, membershipBecomes, textsOf, until } from '../../support/federated.ts'
import type { World } from '../../support/servers.ts'

/*
 * The ways a message between two servers becomes undecryptable, each with its test. To encrypt for bob's devices, alice's
 * client reads his list, claims a one-time key of each, sends the room's key to them, and then the message.
 *
 *                         the peer is away    we restart    the peer restarts
 *   the list changes             1                 2                2
 *   the list is read             3                 4                -
 *   a key is claimed             5                 -                6
 *   the key is sent              7                 8                9
 *   the message is sent         10                 8                9
 *
 * Beside these: keys run out (11), an update is lost (list-updates.test.ts), a room is left and entered again
 * (keys.test.ts), a server joins while a list changes (12).
 */

const changed = (world: World, user: User, other: User) =>
  inTime(
    world,
    () => user.sync(),
    ({ device_lists }) => device_lists?.changed.includes(other.userId),
  )

const seen = (world: World, user: User, roomId: string, text: string) =>
  inTime(
    world,
    () => textsOf(user, roomId),
    (texts) => texts.includes(text),
  )

/** The numbers of the messages that wait for a device. */
const waiting = async (user: User): Promise<number[]> =>
  ((await user.get('/v3/sync')).to_device?.events ?? []).map(({ content }: { content: { n: number } }) => content.n)

const arrives = (user: User, n: number) =>
  until(
    () => waiting(user),
    (numbers) => numbers.includes(n),
  )

const HOUR_MS = 3_600_000

describe('A message can be decrypted although', () => {
  it('1: the peer was away when a device was added, and another removed', async () => {
    const { world, one, two, alice, bob } = await encryptedPair()
    const tablet = await two.client.login('bob')
    await publish(bob)
    await publish(tablet)
    await changed(world, alice, bob)
    await devicesSeen(alice, bob)
    world.network.cut(one.address)
    await alice.sync() // the update of the second device may have come on its own
    const phone = await two.client.login('bob')
    await publish(phone, '2')
    await tablet.post('/v3/logout')
    expect((await alice.sync()).device_lists).toBeUndefined()
    world.network.mend(one.address)
    await changed(world, alice, bob)
    await until(
      async () => (await devicesSeen(alice, bob)).devices,
      (devices) => Object.keys(devices).sort().join() === [bob.deviceId, phone.deviceId].sort().join(),
    )
  })

  it('2: both servers were restarted when the list changed', async () => {
    const { world, one, two, alice, bob } = await encryptedPair()
    await publish(bob)
    await changed(world, alice, bob)
    await devicesSeen(alice, bob)
    world.network.cut(one.address)
    await publish(bob, '2')
    const [oneAgain] = [await one.restart(), await two.restart()]
    world.network.mend(one.address)
    await changed(world, alice.at(oneAgain), bob)
    expect((await devicesSeen(alice.at(oneAgain), bob)).devices).toEqual({ [bob.deviceId]: 'key 2' })
  })

  it('3: the peer was away when its list was to be read', async () => {
    const { world, two, alice, bob } = await encryptedPair()
    await publish(bob)
    await changed(world, alice, bob)
    world.network.cut(two.address)
    expect(await devicesSeen(alice, bob)).toEqual({ devices: {}, failed: ['two.test'] })
    world.network.mend(two.address)
    // The client is told to look again, whatever it does meanwhile.
    await changed(world, alice, bob)
    expect(await devicesSeen(alice, bob)).toEqual({ devices: { [bob.deviceId]: 'key 1' }, failed: [] })
  })

  it('4: we were restarted before the list could be read', async () => {
    const { world, one, two, alice, bob } = await encryptedPair()
    await publish(bob)
    await changed(world, alice, bob)
    world.network.cut(two.address)
    await devicesSeen(alice, bob)
    const again = await one.restart()
    world.network.mend(two.address)
    await changed(world, alice.at(again), bob)
    expect((await devicesSeen(alice.at(again), bob)).devices).toEqual({ [bob.deviceId]: 'key 1' })
  })

  it('5: the peer was away when a key was to be claimed', async () => {
    const { world, two, alice, bob } = await encryptedPair()
    await publishOneTime(bob, 'a')
    world.network.cut(two.address)
    expect(await claimed(alice, bob)).toBeUndefined()
    world.network.mend(two.address)
    await bob.send((await bob.get('/v3/joined_rooms')).joined_rooms[0], 'I am back')
    await until(
      () => claimed(alice, bob),
      (key) => key === 'a',
    )
  })

  it('6: the peer was restarted between two claims, and gives no key twice', async () => {
    const { two, alice, bob } = await encryptedPair()
    await publishOneTime(bob, 'a')
    await publishOneTime(bob, 'b')
    expect(await claimed(alice, bob)).toBe('a')
    await two.restart()
    expect(await claimed(alice, bob)).toBe('b')
    expect(await claimed(alice, bob)).toBeUndefined()
  })

  it('7: the peer was away when the key was sent, for a day', async () => {
    const { world, two, alice, bob, roomId } = await encryptedPair()
    world.network.cut(two.address)
    await sendTo(alice, bob.userId, bob.deviceId, { n: 1 }, 't1')
    await alice.send(roomId, 'first')
    for (let hour = 0; hour < 24; hour++) world.clock.advance(HOUR_MS)
    world.network.mend(two.address)
    await seen(world, bob, roomId, 'first')
    expect(await waiting(bob)).toEqual([1])
  })

  it('8: we were restarted after the key and after the message', async () => {
    const { world, one, two, alice, bob, roomId } = await encryptedPair()
    world.network.cut(two.address)
    await sendTo(alice, bob.userId, bob.deviceId, { n: 1 }, 't1')
    const first = await one.restart()
    await alice.at(first).send(roomId, 'first')
    await first.restart()
    world.network.mend(two.address)
    await seen(world, bob, roomId, 'first')
    expect(await waiting(bob)).toEqual([1])
  })

  it('9: the peer was restarted before the device fetched the key', async () => {
    const { world, two, alice, bob, roomId } = await encryptedPair()
    await sendTo(alice, bob.userId, bob.deviceId, { n: 1 }, 't1')
    await alice.send(roomId, 'first')
    await seen(world, bob, roomId, 'first')
    const again = await two.restart()
    expect(await waiting(bob.at(again))).toEqual([1])
    // Not even an answer that was lost loses it: only the next token says that it has arrived.
    expect(await waiting(bob.at(again))).toEqual([1])
  })

  it('10: the peer was away between the key and the message', async () => {
    const { world, two, alice, bob, roomId } = await encryptedPair()
    await sendTo(alice, bob.userId, bob.deviceId, { n: 1 }, 't1')
    await arrives(bob, 1)
    world.network.cut(two.address)
    await alice.send(roomId, 'first')
    world.network.mend(two.address)
    await seen(world, bob, roomId, 'first')
    expect(await waiting(bob)).toEqual([1])
  })

  it('11: the one-time keys have run out', async () => {
    const { alice, bob } = await encryptedPair()
    await publishOneTime(bob, 'a')
    await publishFallback(bob, 'f')
    await bob.sync()
    expect([await claimed(alice, bob), await claimed(alice, bob), await claimed(alice, bob)]).toEqual(['a', 'f', 'f'])
    // The device is told at once, so that it makes more of them.
    expect(await bob.sync({ timeout: '1000' })).toMatchObject({
      device_one_time_keys_count: { signed_curve25519: 0 },
      device_unused_fallback_key_types: [],
    })
  })

  it('12: a server came into the room through another one while a list changed', async () => {
    const { world, one, alice, bob, roomId } = await encryptedPair()
    await publish(alice)
    const three = await world.start('three.test')
    const carol = await three.client.register('carol')
    const other = await alice.createRoom({ preset: 'public_chat' })
    await joinVia(carol, other, 'one.test')
    await carol.leave(other)
    world.network.cut(one.address)
    await joinVia(carol, roomId, 'two.test')
    await membershipBecomes(bob, roomId, carol.userId, 'join')
    world.network.mend(one.address)
    // She reads the list before the list's server knows that she is there.
    expect((await devicesSeen(carol, alice)).devices).toEqual({ [alice.deviceId]: 'key 1' })
    await carol.sync()
    await publish(alice, '2')
    await changed(world, carol, alice)
    expect((await devicesSeen(carol, alice)).devices).toEqual({ [alice.deviceId]: 'key 2' })
  })
})
