import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ListSource } from '../../src/federation/policy/list-source.ts'
import type { ListedServer } from '../../src/federation/policy/server-list.ts'
import { readSignedList, signList } from '../../src/federation/policy/signed-list.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import type { Db } from '../../src/storage/db.ts'
import { FakeClock } from '../support/clock.ts'
import { withDatabases } from '../support/databases.ts'
import { FakeServer } from '../support/fake-server.ts'
import { joinVia, until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const HOUR_MS = 3_600_000
const key = new SigningKey('list', randomBytes(32))
const servers = (...names: string[]): ListedServer[] => names.map((name) => ({ name }))

/** A list that is kept somewhere, and who reads it. */
class Kept {
  readonly clock = new FakeClock()
  readonly refused: string[] = []
  readonly db: Db
  text: string | undefined
  reads = 0

  constructor(db: Db) {
    this.db = db
  }

  issue(names: readonly string[], ageMs = 0, signer = key): void {
    const issuedTs = this.clock.now() - ageMs
    this.text = signList({ issuedTs, expiresTs: issuedTs + 24 * HOUR_MS, servers: servers(...names) }, signer)
  }

  async open(): Promise<ListSource> {
    const source = new ListSource({
      db: this.db,
      clock: this.clock,
      publicKey: key.publicKey,
      read: async () => {
        this.reads++
        if (this.text === undefined) throw new Error('nobody answers')
        return this.text
      },
      onRefused: (reason) => this.refused.push(reason),
    })
    await source.start()
    await source.refresh()
    return source
  }
}

withDatabases('a signed list', (open) => {
  it('is taken when it is good, and kept while its source is away', async () => {
    const kept = new Kept(await open())
    kept.issue(['a.test'])
    expect((await kept.open()).servers.has('a.test')).toBe(true)
    kept.text = undefined
    const later = await kept.open()
    expect(later.servers.has('a.test')).toBe(true)
    expect(kept.refused).toEqual(['nobody answers'])
    kept.clock.advance(25 * HOUR_MS)
    expect(later.servers.has('a.test')).toBe(false)
  })

  it('is replaced by a newer one, never by an older one, also after a restart', async () => {
    const kept = new Kept(await open())
    kept.issue(['a.test'])
    const source = await kept.open()
    kept.issue(['a.test', 'evil.test'], HOUR_MS)
    await source.refresh()
    expect((await kept.open()).servers.has('evil.test')).toBe(false)
    expect(new Set(kept.refused)).toEqual(new Set(['it is older than the one in use']))
    kept.clock.advance(1000)
    kept.issue(['b.test'])
    await source.refresh()
    expect([source.servers.has('a.test'), source.servers.has('b.test')]).toEqual([false, true])
  })

  it('is looked for at a miss, once a minute at most', async () => {
    const kept = new Kept(await open())
    kept.issue(['a.test'])
    const source = await kept.open()
    kept.clock.advance(1000)
    kept.issue(['a.test', 'b.test'])
    const before = kept.reads
    for (let i = 0; i < 100; i++) source.onMiss()
    expect(kept.reads).toBe(before)
    kept.clock.advance(60_000)
    for (let i = 0; i < 100; i++) source.onMiss()
    await source.refresh()
    expect(kept.reads).toBe(before + 1)
    expect(source.servers.has('b.test')).toBe(true)
  })

  it('is refused when it has run out', async () => {
    const kept = new Kept(await open())
    kept.issue(['a.test'], 48 * HOUR_MS)
    expect((await kept.open()).servers.has('a.test')).toBe(false)
    expect(kept.refused).toContain('it has run out')
  })
})

const good = () => signList({ issuedTs: 1, expiresTs: 2, servers: servers('a.test') }, key)

it.each([
  ['not JSON', () => 'a.test'],
  [
    'signed by another key',
    () => signList({ issuedTs: 1, expiresTs: 2, servers: [] }, new SigningKey('x', randomBytes(32))),
  ],
  ['changed', () => good().replace('a.test', 'b.test')],
  ['not signed', () => JSON.stringify({ ...JSON.parse(good()), signatures: {} })],
  ['with an entry that is none', () => signList({ issuedTs: 1, expiresTs: 2, servers: servers('a b') }, key)],
  ['nested without end', () => '['.repeat(100_000)],
])('refuses a list that is %s', async (_what, text) => {
  expect(typeof (await readSignedList(text(), key.publicKey))).toBe('string')
})

it('opens a server to those on the list, until it runs out', async () => {
  const world = await World.create()
  const path = join(world.directory, 'list.json')
  const expiresTs = world.clock.now() + HOUR_MS
  writeFileSync(path, signList({ issuedTs: world.clock.now(), expiresTs, servers: servers('friend.test') }, key))
  const federation = { mode: 'list' as const, signed_list: { path, key: key.publicKey } }
  const one = await world.start('one.test', { federation })
  const [friend, stranger] = [
    await FakeServer.start(world, 'friend.test'),
    await FakeServer.start(world, 'stranger.test'),
  ]
  const profile = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Aone.test'
  await expect.poll(async () => (await friend.ask(one, 'GET', profile)).status).toBe(404)
  expect((await stranger.ask(one, 'GET', profile)).status).toBe(401)
  rmSync(path)
  const again = await one.restart()
  expect((await friend.ask(again, 'GET', profile)).status).toBe(404)
  world.clock.advance(HOUR_MS)
  expect((await friend.ask(again, 'GET', profile)).status).toBe(401)
})

it('loses nothing that was sent while there was none but one that had run out, also over a restart', async () => {
  const world = await World.create()
  const path = join(world.directory, 'list.json')
  const issue = () => {
    const issuedTs = world.clock.now()
    writeFileSync(path, signList({ issuedTs, expiresTs: issuedTs + HOUR_MS, servers: servers('friend.test') }, key))
  }
  issue()
  const federation = { mode: 'list' as const, signed_list: { path, key: key.publicKey } }
  const one = await world.start('one.test', { federation })
  const alice = await one.client.register('alice')
  const friend = await Peer.start(world, 'friend.test')
  const { roomId } = friend.room
  const profile = '/_matrix/federation/v1/query/profile?user_id=%40nobody%3Aone.test'
  await expect.poll(async () => (await friend.fake.ask(one, 'GET', profile)).status).toBe(404)
  await joinVia(alice, roomId, 'friend.test')
  world.clock.advance(HOUR_MS)
  await alice.send(roomId, 'while there is no list')
  const messages = { '@carol:friend.test': { '*': { n: 'a key' } } }
  await alice.put('/v3/sendToDevice/m.test/1', { messages })
  await until(
    () => one.server.services.federationStatus('friend.test'),
    ([found]) => found?.lastError?.includes('has run out') ?? false,
  )
  const again = await one.restart()
  await alice.at(again).send(roomId, 'also after a restart')
  const sent = async () => {
    world.clock.advance(60_000)
    return friend.fake.got.map(({ body }) => body).join()
  }
  expect(await sent()).not.toContain('no list')
  issue()
  await until(sent, (text) => ['while there is no list', 'a key', 'also after'].every((what) => text.includes(what)))
})
