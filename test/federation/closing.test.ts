import { pino } from 'pino'
import { expect, it } from 'vitest'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, textsOf, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { keyOf } from '../support/room-builder.ts'
import { World } from '../support/servers.ts'

interface Line {
  readonly level: number
  readonly op?: string
  readonly status?: number
}

/** A server that is at work on a transaction, for which it waits for the keys of a third one, until `answer` is called. */
async function atWork() {
  const world = await World.create()
  const lines: Line[] = []
  const log = pino({ level: 'debug' }, { write: (line) => lines.push(JSON.parse(line)) })
  const one = await world.start('one.test', {}, { log })
  const alice = await one.client.register('alice')
  const peer = await Peer.start(world)
  const { roomId } = peer.room
  await joinVia(alice, roomId, 'peer.test')
  const third = await FakeServer.start(world, 'third.test')
  const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  third.answers.set('GET /_matrix/key/v2/server', async () => {
    asked.resolve()
    await gate.promise
    const key = keyOf('third.test')
    const verify_keys = { [key.keyId]: { key: key.publicKey }, [third.key.keyId]: { key: third.key.publicKey } }
    return { body: third.keyAnswer({ verify_keys }) }
  })
  const events = [peer.room.join('@dave:third.test'), peer.room.message('@dave:third.test')]
  const sent = peer.send(one, peer.pdus(events)).catch(() => 'cut')
  await asked.promise
  return { one, roomId, sent, lines, answer: () => gate.resolve() }
}

it('finishes what it is at when the connection of who asked for it is cut', async () => {
  const { one, roomId, sent, lines, answer } = await atWork()
  const closing = one.close(10)
  expect(await sent).toBe('cut')
  answer()
  await closing
  expect(lines.filter(({ level }) => level >= 50)).toEqual([])
  const again = await one.restart()
  expect(await textsOf(await again.client.login('alice'), roomId)).toContain('hello')
})

it('ends nevertheless, and takes what was cut off for no failure', async () => {
  const { one, sent, lines, answer } = await atWork()
  await one.close(10)
  expect(await sent).toBe('cut')
  answer()
  const line = await until(
    async () => lines.find(({ op }) => op === 'server.sendTransaction'),
    (found) => found !== undefined,
  )
  // PostgreSQL may still take what comes of it when the look-up of the key was cut off.
  expect(line?.status).toBeOneOf([200, 499])
  expect(lines.filter(({ level }) => level >= 50)).toEqual([])
})
