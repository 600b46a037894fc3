import { expect, it } from 'vitest'
import { ServerDiscovery } from '../../src/federation/discovery.ts'
import { WellKnown } from '../../src/federation/well-known.ts'
import { FakeClock } from '../support/clock.ts'
import { TestNetwork } from '../support/network.ts'

/** What the hosts of a test answer to the well-known question; others refuse the connection. */
type Answers = Record<string, { status?: number; headers?: Record<string, string>; body: string }>

function discovery(answers: Answers = {}) {
  const network = new TestNetwork()
  const clock = new FakeClock()
  const asked: string[] = []
  const client = {
    fetch: async (url: URL) => {
      asked.push(url.href)
      const answer = answers[url.host]
      if (!answer) throw new Error('connect ECONNREFUSED')
      const { status = 200, headers = {}, body } = answer
      return { url, status, headers, body: Buffer.from(body) }
    },
  }
  const wellKnown = new WellKnown({ client, clock })
  return { discovery: new ServerDiscovery({ network, wellKnown, clock, random: () => 0.5 }), network, clock, asked }
}

const delegation = (server: string) => ({ body: JSON.stringify({ 'm.server': server }) })

const MATRIX_FED = { '_matrix-fed._tcp.a.test': [{ name: 'srv.test', port: 4321 }] }
const MATRIX = { '_matrix._tcp.a.test': [{ name: 'old.test', port: 1234 }] }
const TO_B = { 'a.test': delegation('b.test') }

it.each([
  ['1: an IPv4 address', '1.2.3.4', {}, {}, '1.2.3.4:8448', '1.2.3.4', '1.2.3.4'],
  ['1: an IPv4 address with a port', '1.2.3.4:5', {}, {}, '1.2.3.4:5', '1.2.3.4', '1.2.3.4:5'],
  ['1: an IPv6 address', '[2001::1]:5', {}, {}, '[2001::1]:5', '[2001::1]', '[2001::1]:5'],
  ['2: a port', 'a.test:5', TO_B, MATRIX_FED, 'a.test:5', 'a.test', 'a.test:5'],
  [
    '3.1: delegation to an address',
    'a.test',
    { 'a.test': delegation('1.2.3.4') },
    {},
    '1.2.3.4:8448',
    '1.2.3.4',
    '1.2.3.4',
  ],
  ['3.2: delegation with a port', 'a.test', { 'a.test': delegation('b.test:5') }, {}, 'b.test:5', 'b.test', 'b.test:5'],
  [
    '3.3: delegation to a host with a service',
    'a.test',
    TO_B,
    { ...MATRIX_FED, '_matrix-fed._tcp.b.test': [{ name: 'srv.b.test', port: 77 }] },
    'srv.b.test:77',
    'b.test',
    'b.test',
  ],
  [
    '3.4: delegation to a host with a deprecated service',
    'a.test',
    TO_B,
    { '_matrix._tcp.b.test': [{ name: 'srv.b.test', port: 77 }] },
    'srv.b.test:77',
    'b.test',
    'b.test',
  ],
  ['3.5: delegation to a host', 'a.test', TO_B, MATRIX_FED, 'b.test:8448', 'b.test', 'b.test'],
  ['4: a service', 'a.test', {}, { ...MATRIX, ...MATRIX_FED }, 'srv.test:4321', 'a.test', 'a.test'],
  ['5: a deprecated service', 'a.test', {}, MATRIX, 'old.test:1234', 'a.test', 'a.test'],
  ['6: nothing', 'a.test', {}, {}, 'a.test:8448', 'a.test', 'a.test'],
])(
  'finds a server by step %s',
  async (_step, serverName, answers: Answers, services, endpoint, tlsName, hostHeader) => {
    const { discovery: finder, network } = discovery(answers)
    for (const [name, records] of Object.entries(services)) network.serve(name, ...records)
    const found = await finder.resolve(serverName)
    expect(found.endpoints.map(({ host, port }) => `${host}:${port}`)).toEqual([endpoint])
    expect(found).toMatchObject({ scheme: 'https', tlsName, hostHeader })
  },
)

it.each([
  ['no JSON', { body: 'm.server' }],
  ['no object', { body: '["b.test"]' }],
  ['no name', { body: '{"m.server":5}' }],
  ['a name that is none', { body: '{"m.server":"b.test/evil"}' }],
  ['a URL', { body: '{"m.server":"https://b.test"}' }],
  ['an error', { status: 404, body: '{"m.server":"b.test"}' }],
])('goes on as if there were no delegation where it is %s', async (_what, answer) => {
  const { discovery: finder } = discovery({ 'a.test': answer })
  expect((await finder.resolve('a.test')).tlsName).toBe('a.test')
})

it.each([
  ['a day by default', {}, 24],
  ['as long as its headers say', { 'cache-control': 'public, max-age=7200' }, 2],
  ['two days at most', { 'cache-control': 'max-age=31536000' }, 48],
])('keeps a delegation %s', async (_what, headers, hours) => {
  const { discovery: finder, clock, asked } = discovery({ 'a.test': { ...delegation('b.test'), headers } })
  await finder.resolve('a.test')
  clock.advance(hours * 3_600_000 - 1)
  await finder.resolve('a.test')
  expect(asked).toHaveLength(1)
  clock.advance(11 * 60_000)
  await finder.resolve('a.test')
  expect(asked).toHaveLength(2)
})

it('asks a host that gives no answer less and less often, but every hour', async () => {
  const { discovery: finder, clock, asked } = discovery()
  for (let minute = 0; minute < 6 * 60; minute++) {
    finder.forget('a.test')
    await finder.resolve('a.test')
    clock.advance(60_000)
  }
  // After 0, 1, 3, 7, 15, 31 and 63 minutes, then every hour.
  expect(asked).toHaveLength(11)
})

it('looks up once what many ask for at the same time', async () => {
  const { discovery: finder, asked } = discovery(TO_B)
  await Promise.all(Array.from({ length: 10 }, () => finder.resolve('a.test')))
  expect(asked).toHaveLength(1)
})

it('tries services by their priority', async () => {
  const { discovery: finder, network } = discovery()
  network.serve(
    '_matrix-fed._tcp.a.test',
    { name: 'last.test', port: 3, priority: 30 },
    { name: 'first.test', port: 1, priority: 10 },
    { name: 'middle.test', port: 2, priority: 20 },
  )
  const { endpoints } = await finder.resolve('a.test')
  expect(endpoints.map(({ port }) => port)).toEqual([1, 2, 3])
})

it('takes the service named "." as none', async () => {
  const { discovery: finder, network } = discovery()
  network.serve('_matrix-fed._tcp.a.test', { name: '.', port: 0 })
  expect((await finder.resolve('a.test')).endpoints).toEqual([{ host: 'a.test', port: 8448 }])
})

it.each(['', 'a test', 'a.test/', 'a.test:99999', 'a.test:', ':8448', '[::1', 'é.test'])(
  'refuses the name %j',
  async (name) => {
    await expect(discovery().discovery.resolve(name)).rejects.toThrow('Not a server name')
  },
)
