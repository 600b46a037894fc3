import { describe, expect, it } from 'vitest'
import { stableVersionIds } from '../../src/room/versions.ts'
import { roomPath, type User } from '../support/client.ts'
import { World } from '../support/servers.ts'

const via = (...servers: string[]) => `?${servers.map((name) => `server_name=${name}`).join('&')}`
const join = (user: User, roomId: string, ...servers: string[]) =>
  user.post(`/v3/join/${encodeURIComponent(roomId)}${via(...servers)}`)

/** Two servers with a user each. */
async function pair() {
  const world = await World.create()
  const [one, two] = [await world.start('one.test'), await world.start('two.test')]
  const [alice, bob] = [await one.client.register('alice'), await two.client.register('bob')]
  return { world, one, two, alice, bob }
}

/** Asks until the claim holds: other servers take their time. */
async function until<T>(ask: () => Promise<T>, claim: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 200; tries++) {
    const value = await ask()
    if (claim(value)) return value
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('It did not come about')
}

const timelineOf = async (user: User, roomId: string): Promise<string[]> => {
  const { chunk } = await user.get(`${roomPath(roomId)}/messages?dir=b&limit=50`)
  return chunk.map((event: { content: { body?: string }; type: string }) => event.content.body ?? event.type)
}

describe('a room on two servers', () => {
  it.each(stableVersionIds())('is joined and shared, in version %s', async (version) => {
    const { alice, bob } = await pair()
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version, name: 'budget' })
    await join(bob, roomId, 'one.test')
    await until(
      () => alice.get(`${roomPath(roomId)}/joined_members`),
      ({ joined }) => bob.userId in joined,
    )
    await bob.send(roomId, 'from two')
    await until(
      () => timelineOf(alice, roomId),
      (bodies) => bodies.includes('from two'),
    )
    await alice.send(roomId, 'from one')
    await until(
      () => timelineOf(bob, roomId),
      (bodies) => bodies.includes('from one'),
    )
    const state = await bob.get(`${roomPath(roomId)}/state`)
    expect(state).toHaveLength((await alice.get(`${roomPath(roomId)}/state`)).length)
    expect((await bob.sync()).rooms.join[roomId].state.events.length).toBeGreaterThan(3)
  })
})
