import { roomPath, type User } from './client.ts'
import { type Federated, World } from './servers.ts'

/** Two servers with a user each: alice on the first, bob on the second. */
export async function pair(): Promise<{ world: World; one: Federated; two: Federated; alice: User; bob: User }> {
  const world = await World.create()
  const [one, two] = [await world.start('one.test'), await world.start('two.test')]
  return { world, one, two, alice: await one.client.register('alice'), bob: await two.client.register('bob') }
}

const via = (servers: readonly string[]) => servers.map((name) => `via=${name}`).join('&')

/** Joins a room through other servers. */
export const joinVia = (user: User, roomId: string, ...servers: string[]): Promise<{ room_id: string }> =>
  user.post(`/v3/join/${encodeURIComponent(roomId)}?${via(servers)}`)

export const knockVia = (user: User, roomId: string, ...servers: string[]): Promise<{ room_id: string }> =>
  user.post(`/v3/knock/${encodeURIComponent(roomId)}?${via(servers)}`)

/** Asks again until the claim holds: what one server does reaches others when they get to it. */
export async function until<T>(ask: () => Promise<T>, claim: (value: T) => boolean): Promise<T> {
  for (let tries = 0; tries < 250; tries++) {
    const value = await ask()
    if (claim(value)) return value
    await new Promise((resolve) => setTimeout(resolve, Math.min(2 + tries, 20)))
  }
  throw new Error('It did not come about')
}

/** The same while time passes, so that whatever waits to be tried again is. */
export const inTime = <T>(world: World, ask: () => Promise<T>, claim: (value: T) => boolean): Promise<T> =>
  until(() => {
    world.clock.advance(120_000)
    return ask()
  }, claim)

/** The texts of a room's latest messages, latest first; of other events their types. */
export async function textsOf(user: User, roomId: string): Promise<string[]> {
  const { chunk } = await user.get(`${roomPath(roomId)}/messages?dir=b&limit=100`)
  return chunk.map((event: { content: { body?: string }; type: string }) => event.content.body ?? event.type)
}

/** Waits until a user sees a message. */
export const seen = (user: User, roomId: string, text: string): Promise<string[]> =>
  until(
    () => textsOf(user, roomId),
    (texts) => texts.includes(text),
  )

/** A user's membership as another one sees it; undefined: none. */
export async function membershipOf(viewer: User, roomId: string, userId: string): Promise<string | undefined> {
  const { status, body } = await viewer.request('GET', `${roomPath(roomId)}/state/m.room.member/${userId}`)
  return status === 200 ? body.membership : undefined
}

export const membershipBecomes = (viewer: User, roomId: string, userId: string, membership: string) =>
  until(
    () => membershipOf(viewer, roomId, userId),
    (found) => found === membership,
  )
