import { expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

it('What others say in a room while it is being joined comes in after the join', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { fake, room, creator } = peer
  const answer = fake.otherwise
  let sent: Promise<unknown> | undefined
  fake.otherwise = async (got) => {
    const given = await answer(got)
    if (!got.uri.includes('/send_join/')) return given
    const { sleeping } = world.clock
    sent = peer.send(one, peer.pdus([room.message(creator, { content: { msgtype: 'm.text', body: 'early' } })]))
    await until(
      async () => world.clock.sleeping,
      (now) => now > sleeping,
    )
    return given
  }
  await joinVia(alice, room.roomId, fake.name)
  await sent
  const { chunk } = await alice.get(`${roomPath(room.roomId)}/messages?dir=b&limit=1`)
  expect(chunk[0].content.body).toBe('early')
})
