import { expect, it } from 'vitest'
import { FakeServer, type Given } from '../support/fake-server.ts'
import { until } from '../support/federated.ts'
import { Peer } from '../support/peer.ts'
import { World } from '../support/servers.ts'

const profile = '/v3/profile/@carol:away.test'

/** A server that takes questions and does not answer them, until its line is cut half a minute later. */
async function lost() {
  const world = await World.create()
  const one = await world.start('one.test')
  const alice = await one.client.register('alice')
  const away = await FakeServer.start(world, 'away.test', { address: '10.1.2.3' })
  away.answers.set('GET /_matrix/federation/v1/query/profile', () => new Promise<Given>(() => {}))
  const asking = alice.request('GET', profile)
  await until(
    async () => away.got.length,
    (count) => count > 0,
  )
  world.clock.advance(30_000)
  world.network.cut('10.1.2.3')
  expect((await asking).status).toBe(502)
  return { world, one, alice, away }
}

it('is asked once, and nobody waits for it again for a while', async () => {
  const { world, alice } = await lost()
  const tries = world.network.attempts.length
  const answers = await Promise.all([
    alice.request('GET', profile),
    alice.request('GET', '/v3/directory/room/%23room:away.test'),
    alice.request('POST', '/v3/join/!room:away.test?via=away.test'),
    alice.request('POST', '/v3/knock/!room:away.test?via=away.test'),
    alice.request('GET', '/v3/publicRooms?server=away.test'),
  ])
  expect(answers.map(({ status }) => status)).toEqual([502, 502, 502, 502, 502])
  expect(world.network.attempts.length).toBe(tries)
})

it('is asked again as soon as it speaks to us', async () => {
  const { world, one, alice, away } = await lost()
  world.network.mend('10.1.2.3')
  expect((await alice.request('GET', profile)).status).toBe(502)
  expect((await away.ask(one, 'GET', '/_matrix/federation/v1/publicRooms')).status).toBe(200)
  away.answers.set('GET /_matrix/federation/v1/query/profile', () => ({ body: { displayname: 'Carol' } }))
  expect(await alice.get(profile)).toEqual({ displayname: 'Carol' })
})

it('is asked again after a while, by one alone', async () => {
  const { world, alice, away } = await lost()
  world.network.mend('10.1.2.3')
  world.clock.advance(300_000)
  const before = away.got.length
  const first = alice.request('GET', profile)
  await until(
    async () => away.got.length,
    (count) => count > before,
  )
  expect((await alice.request('GET', profile)).status).toBe(502)
  expect(away.got.length).toBe(before + 1)
  world.network.cut('10.1.2.3')
  expect((await first).status).toBe(502)
})

it('refuses answers of ten megabytes where small ones are due', async () => {
  const world = await World.create()
  const alice = await (await world.start('one.test')).client.register('alice')
  const large = await FakeServer.start(world, 'large.test')
  large.otherwise = () => ({ body: `{"chunk":[${'{},'.repeat(3_300_000)}{}]}` })
  const asked = [
    '/v3/profile/@carol:large.test',
    '/v3/directory/room/%23room:large.test',
    '/v3/publicRooms?server=large.test',
  ]
  for (const path of asked) expect((await alice.request('GET', path)).status).toBe(502)
})

const MEMBER = JSON.stringify({ type: 'm.room.member', state_key: '@x:large.test', content: { membership: 'join' } })

it.each([
  ['events that are none', `{"state":[${'{},'.repeat(3_300_000)}{}],"auth_chain":[]}`],
  ['events of another room', `{"state":[],"auth_chain":[${`${MEMBER},`.repeat(120_000)}{}]}`],
  ['lists in lists', `{"state":${'['.repeat(5_000_000)}${']'.repeat(5_000_000)},"auth_chain":[]}`],
  ['one long text', `{"state":[],"auth_chain":["${'y'.repeat(10_000_000)}"]}`],
  ['numbers that need a look', `{"state":[${'1.5,'.repeat(2_500_000)}0],"auth_chain":[]}`],
])(
  'answers others while it reads ten megabytes of %s',
  async (_what, body) => {
    const world = await World.create()
    const one = await world.start('one.test')
    const alice = await one.client.register('alice')
    const peer = await Peer.start(world, 'large.test')
    const { otherwise } = peer.fake
    peer.fake.otherwise = (got) => (got.uri.includes('/send_join/') ? { body } : otherwise(got))
    const room = peer.room.roomId
    let isDone = false
    const joining = alice.request('POST', `/v3/join/${room}?via=large.test`).finally(() => {
      isDone = true
    })
    let mostWork = 0
    for (let last = process.threadCpuUsage(); !isDone; last = process.threadCpuUsage()) {
      await alice.get('/versions')
      const { user, system } = process.threadCpuUsage(last)
      mostWork = Math.max(mostWork, user + system)
    }
    expect((await joining).status).toBe(502)
    // Parsed in one go, lists in lists keep a processor for 1.3 s. Time of this thread: other processes do not count.
    expect(mostWork).toBeLessThan(1_000_000)
  },
  30_000,
)
