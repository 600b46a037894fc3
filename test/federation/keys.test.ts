import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { JsonObject } from '../../src/matrix/json.ts'
import { signJson, verifyJson } from '../../src/matrix/sign-json.ts'
import { VerifyKey } from '../../src/matrix/verify-key.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

const VERSION = '/_matrix/federation/v1/version'
const PROFILE = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Aone.test'
const KEYS = '/_matrix/key/v2/server'
const DAY_MS = 86_400_000

it('publishes its own keys, signed, the old ones as old', async () => {
  const world = await World.create()
  const before = await world.start('one.test')
  const line = `ed25519 before ${new FakeKey().publicKey} 1700000000000\n`
  writeFileSync(join(before.directory, 'signing.key.old'), line)
  const one = await before.restart()
  const stranger = await FakeServer.start(world, 'stranger.test')
  const { body } = await stranger.ask(one, 'GET', KEYS, { authorization: '' })
  const key = VerifyKey.from(body.verify_keys['ed25519:test'].key)
  expect(key && (await verifyJson(body, 'one.test', new Map([['ed25519:test', key]])))).toBe(true)
  expect(body.old_verify_keys).toEqual({ 'ed25519:before': { key: line.split(' ')[2], expired_ts: 1_700_000_000_000 } })
  expect(body.valid_until_ts).toBe(world.clock.now() + DAY_MS)
})

class FakeKey {
  readonly publicKey = 'Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw'
}

it('says what it is', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  const stranger = await FakeServer.start(world, 'stranger.test')
  const { status, body } = await stranger.ask(one, 'GET', VERSION)
  expect([status, body.server.name]).toEqual([200, 'Bongsu'])
})

it('asks for the keys of a server once, however many requests need them', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  await one.client.register('alice')
  const other = await FakeServer.start(world, 'other.test')
  const asked = () => other.got.filter(({ uri }) => uri === KEYS).length
  const answers = await Promise.all(Array.from({ length: 5 }, () => other.ask(one, 'GET', PROFILE)))
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
  expect(asked()).toBe(1)
  const again = await (await one.restart()).client.request('GET', '/_matrix/client/versions')
  expect(again.status).toBe(200)
  expect(asked()).toBe(1)
})

it('asks again when they have ended, and no longer believes them', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  await one.client.register('alice')
  const other = await FakeServer.start(world, 'other.test')
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(200)
  world.clock.advance(2 * DAY_MS)
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(200)
  expect(other.got).toHaveLength(2)
  world.clock.advance(2 * DAY_MS)
  other.answers.set(`GET ${KEYS}`, () => ({ status: 500, body: {} }))
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(401)
})

it('holds keys for seven days at most, whatever their server says', async () => {
  const world = await World.create()
  const one = await world.start('one.test')
  await one.client.register('alice')
  const other = await FakeServer.start(world, 'other.test')
  const until = world.clock.now() + 365 * DAY_MS
  other.answers.set(`GET ${KEYS}`, () => ({ body: other.keyAnswer({ valid_until_ts: until }) }))
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(200)
  world.clock.advance(8 * DAY_MS)
  other.answers.set(`GET ${KEYS}`, () => ({ status: 404, body: {} }))
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(401)
})

it.each([
  ['of another server', (other: FakeServer) => other.keyAnswer({ server_name: 'else.test' })],
  ['that are not signed', (other: FakeServer) => ({ ...other.keyAnswer(), signatures: {} })],
  ['without an end', (other: FakeServer) => other.keyAnswer({ valid_until_ts: 'never' })],
  ['that are old', (other: FakeServer) => ({ ...other.keyAnswer({ verify_keys: {} }) })],
  ['of small order', (other: FakeServer) => other.keyAnswer({ verify_keys: { [other.key.keyId]: { key: ZERO } } })],
  ['which are none', () => '{"server_name":'],
  ['of ten megabytes', () => ' '.repeat(10_000_000)],
])('refuses keys %s', async (_what, answer) => {
  const world = await World.create()
  const one = await world.start('one.test')
  await one.client.register('alice')
  const other = await FakeServer.start(world, 'other.test')
  other.answers.set(`GET ${KEYS}`, () => ({ body: answer(other) }))
  expect((await other.ask(one, 'GET', PROFILE)).status).toBe(401)
})

const ZERO = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'

it('believes only the pinned key of a listed server', async () => {
  const world = await World.create()
  const other = await FakeServer.start(world, 'other.test')
  const listed = (key: string) => ({ federation: { mode: 'list' as const, servers: [{ name: 'other.test', key }] } })
  const one = await world.start('one.test', listed(other.key.publicKey))
  const two = await world.start('two.test', listed(new FakeKey().publicKey))
  expect((await other.ask(one, 'GET', '/_matrix/federation/v1/query/profile?user_id=%40a%3Aone.test')).status).toBe(404)
  expect((await other.ask(two, 'GET', '/_matrix/federation/v1/query/profile?user_id=%40a%3Atwo.test')).status).toBe(401)
})

it('is a notary for others where federation is open, and only there', async () => {
  const world = await World.create()
  const other = await FakeServer.start(world, 'other.test')
  const open = await world.start('open.test')
  const list = await world.start('list.test', { federation: { mode: 'list', servers: [{ name: 'other.test' }] } })
  const query = '/_matrix/key/v2/query/other.test'
  const { body } = await other.ask(open, 'GET', query, { authorization: '' })
  expect(Object.keys(body.server_keys[0].signatures).sort()).toEqual(['open.test', 'other.test'])
  other.close()
  const content = { server_keys: { 'other.test': {}, 'open.test': {}, 'nowhere.test': {} } }
  const bulk = await other.ask(open, 'POST', '/_matrix/key/v2/query', { content })
  const names = bulk.body.server_keys.map((answer: { server_name: string }) => answer.server_name)
  expect(names.sort()).toEqual(['open.test', 'other.test'])
  expect((await other.ask(list, 'GET', query)).body).toEqual({ server_keys: [] })
})

/** A server that does not tell its keys, and a notary that does. */
async function heardOfByNotary() {
  const world = await World.create()
  const notary = await FakeServer.start(world, 'notary.test')
  const other = await FakeServer.start(world, 'other.test')
  other.answers.set(`GET ${KEYS}`, () => ({ status: 503, body: {} }))
  const answer = signJson<JsonObject>(other.keyAnswer(), 'notary.test', notary.key)
  notary.answers.set('POST /_matrix/key/v2/query', () => ({ body: { server_keys: [answer] } }))
  return { world, notary, other }
}

it('believes a notary about a server that is away, if it was told to, and signs with the key that it was told', async () => {
  const { world, notary, other } = await heardOfByNotary()
  const asking = async (name: string, key: string | undefined) => {
    const notaries = key === undefined ? [] : [{ name: 'notary.test', key }]
    const server = await world.start(name, { federation: { mode: 'open', notaries } })
    return other.ask(server, 'GET', `/_matrix/federation/v1/query/profile?user_id=%40nobody%3A${name}`)
  }
  expect((await asking('one.test', notary.key.publicKey)).status).toBe(404)
  expect((await asking('two.test', other.key.publicKey)).status).toBe(401)
  expect((await asking('three.test', undefined)).status).toBe(401)
})

it('believes no notary that has another key of a server than the pinned one', async () => {
  const { world, notary, other } = await heardOfByNotary()
  const asking = async (name: string, key: string) => {
    const servers = [{ name: 'notary.test' }, { name: 'other.test', key }]
    const notaries = [{ name: 'notary.test', key: notary.key.publicKey }]
    const server = await world.start(name, { federation: { mode: 'list', servers, notaries } })
    return other.ask(server, 'GET', `/_matrix/federation/v1/query/profile?user_id=%40nobody%3A${name}`)
  }
  expect((await asking('one.test', other.key.publicKey)).status).toBe(404)
  expect((await asking('two.test', new FakeKey().publicKey)).status).toBe(401)
})
