import { describe, expect, it } from 'vitest'
import type { User } from '../support/client.ts'
import type { FakeServer, Given, Got } from '../support/fake-server.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const PRIVATE = '192.168.7.7'
const LARGE = `{"pdus":{},"padding":"${'x'.repeat(10 * 1024 * 1024)}"}`
const never = new Promise<Given>(() => {})

/** How a server answers that means ill, or is ill. */
const MANNERS: Readonly<Record<string, (got: Got) => Given | Promise<Given>>> = {
  'never answers': () => never,
  'answers with garbage': () => ({ body: '\u0000{"pdus":[[[[' }),
  'answers with what has another shape': () => ({
    body: { pdus: [1, null, { type: 5 }], events: {}, auth_chain: 'x' },
  }),
  'answers with 10 MB': () => ({ body: LARGE }),
  'leads to a private address': () => ({ status: 302, headers: { location: `https://${PRIVATE}/` } }),
  'says that it is broken': () => ({ status: 500, body: { errcode: 'M_UNKNOWN' } }),
}

/** What a user has been told of a room, once one text is among it; nothing older is looked for elsewhere. */
async function heard(user: User, roomId: string, text: string): Promise<string[]> {
  const texts: string[] = []
  const hear = async () => {
    const { rooms } = await user.sync()
    const events: { content: { body?: string } }[] = rooms?.join?.[roomId]?.timeline.events ?? []
    texts.push(...events.flatMap(({ content }) => content.body ?? []))
    return texts
  }
  return until(hear, (found) => found.includes(text))
}

/** Two servers of ours in the room of a third, which then behaves otherwise. */
async function roomOf(manner: (got: Got) => Given | Promise<Given>) {
  const world = await World.create()
  const peer = await Peer.start(world)
  const [one, two] = [await world.start('one.test'), await world.start('two.test')]
  const [alice, bob] = [await one.client.register('alice'), await two.client.register('bob')]
  const roomId = peer.room.roomId
  await joinVia(alice, roomId, 'peer.test')
  await joinVia(bob, roomId, 'one.test')
  behave(peer.fake, manner)
  return { world, peer, one, two, alice, bob, roomId }
}

function behave(fake: FakeServer, manner: (got: Got) => Given | Promise<Given>): void {
  fake.answers.clear()
  fake.otherwise = manner as (got: Got) => Given
}

describe.each(Object.entries(MANNERS))('a server that %s', (_name, manner) => {
  it('keeps nobody from hearing each other', async () => {
    const { world, alice, bob, roomId } = await roomOf(manner)
    for (let i = 0; i < 5; i++) {
      await alice.send(roomId, `alice ${i}`)
      await bob.send(roomId, `bob ${i}`)
      world.clock.advance(60_000)
    }
    const texts = [await heard(alice, roomId, 'bob 4'), await heard(bob, roomId, 'alice 4')]
    const said = (who: string) => Array.from({ length: 5 }, (_, i) => `${who} ${i}`)
    for (const found of texts) {
      const expected = [...said('alice'), ...said('bob')]
      expect(found.filter((text) => /^(alice|bob) \d$/.test(text)).sort()).toEqual(expected)
    }
    expect(world.network.attempts.filter((place) => place.startsWith(PRIVATE))).toEqual([])
  }, 30_000)
})

it('a server cannot speak for the users of another', async () => {
  const { peer, one, two, alice, bob, roomId } = await roomOf(() => ({ body: { pdus: {} } }))
  await alice.send(roomId, 'I am here')
  await heard(bob, roomId, 'I am here')
  const forged = peer.room.message('@alice:one.test', { content: { body: 'I resign' } })
  for (const server of [one, two]) {
    const { body } = await peer.send(server, peer.pdus([forged]))
    expect(body.pdus[forged.eventId]).toMatchObject({ error: expect.any(String) })
  }
  await alice.send(roomId, 'I am still here')
  expect(await heard(bob, roomId, 'I am still here')).not.toContain('I resign')
})
