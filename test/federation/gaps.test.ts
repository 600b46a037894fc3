import { describe, expect, it } from 'vitest'
import { roomPath, type User } from '../support/client.ts'
import { joinVia, membershipBecomes, pair, seen, textsOf, until } from '../support/federated.ts'

const stateIds = async (user: User, roomId: string): Promise<string[]> => {
  const state = await user.get(`${roomPath(roomId)}/state`)
  return state.map((event: { event_id: string }) => event.event_id).sort()
}

describe('servers that could not reach each other', () => {
  it('agree on timeline and state when they meet again', async () => {
    const { world, one, two, alice, bob } = await pair()
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      power_level_content_override: { state_default: 0 },
    })
    await joinVia(bob, roomId, 'one.test')
    await membershipBecomes(alice, roomId, bob.userId, 'join')
    world.network.cut(one.address)
    world.network.cut(two.address)
    for (let i = 0; i < 30; i++) {
      await alice.send(roomId, `a${i}`)
      await bob.send(roomId, `b${i}`)
    }
    await alice.sendState(roomId, 'm.room.topic', { topic: 'ours' })
    await bob.sendState(roomId, 'm.room.topic', { topic: 'theirs' })
    await alice.sendState(roomId, 'm.room.name', { name: 'ours' })
    world.network.mend(one.address)
    world.network.mend(two.address)
    world.clock.advance(3_600_000)
    await alice.send(roomId, 'together')
    await bob.send(roomId, 'again')
    await seen(alice, roomId, 'again')
    await seen(bob, roomId, 'together')
    await until(
      async () => [await stateIds(alice, roomId), await stateIds(bob, roomId)] as const,
      ([here, there]) => here.join() === there.join(),
    )
    const [here, there] = [await textsOf(alice, roomId), await textsOf(bob, roomId)]
    expect(new Set(here)).toEqual(new Set(there))
    expect(here.filter((text) => /^[ab]\d/.test(text))).toHaveLength(60)
  })

  it('tell one whose last user was thrown out meanwhile, and what led to it', async () => {
    const { world, one, two, alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await joinVia(bob, roomId, 'one.test')
    await membershipBecomes(alice, roomId, bob.userId, 'join')
    world.network.cut(two.address)
    for (let i = 0; i < 3; i++) {
      await alice.send(roomId, `while you were away ${i}`)
      // Longer than an hour: only the newest event is kept for a server that is away.
      world.clock.advance(7_200_000)
      await until(
        () => one.server.services.federationStatus('two.test'),
        ([status]) => (status?.failures ?? 0) > i,
      )
    }
    await alice.post(`${roomPath(roomId)}/kick`, { user_id: bob.userId })
    world.network.mend(two.address)
    world.clock.advance(7_200_000)
    await until(
      () => bob.get('/v3/joined_rooms'),
      ({ joined_rooms: rooms }) => rooms.length === 0,
    )
  })
})
