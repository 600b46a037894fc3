import { expect, it } from 'vitest'
import { xMatrixHeader } from '../../src/matrix/x-matrix.ts'
import { FakeServer } from '../support/fake-server.ts'
import { World } from '../support/servers.ts'

const PROFILE = '/_matrix/federation/v1/query/profile?user_id=%40alice%3Aone.test'

async function meeting() {
  const world = await World.create()
  const one = await world.start('one.test')
  await one.client.register('alice')
  const stranger = await FakeServer.start(world, 'stranger.test')
  const signed = { method: 'GET', uri: PROFILE, origin: 'stranger.test', destination: 'one.test' }
  return { world, one, stranger, header: xMatrixHeader(signed, stranger.key) }
}

it('answers a server that has signed its request', async () => {
  const { one, stranger } = await meeting()
  expect(await stranger.ask(one, 'GET', PROFILE)).toEqual({ status: 200, body: { displayname: 'alice' } })
})

it('accepts every spelling of the header', async () => {
  const { one, stranger, header } = await meeting()
  const { key, sig } = /key="(?<key>[^"]*)",sig="(?<sig>[^"]*)"/.exec(header)?.groups ?? {}
  const spellings = [
    `X-Matrix origin=stranger.test,key="${key}",sig="${sig}"`,
    `x-matrix origin=stranger.test,key=${key},sig="${sig}"`,
    `X-Matrix   ORIGIN=stranger.test , Key=${key} ,\tdestination=one.test,sig=${sig}`,
    `X-Matrix sig="${sig}",key="ed25519\\:fake",origin="str\\anger.test",extra=1`,
    `X-Matrix origin="stranger.test",destination="one.test",key="${key}",sig="${sig}"`,
  ]
  for (const authorization of spellings) {
    const { status } = await stranger.ask(one, 'GET', PROFILE, { authorization })
    expect([authorization, status]).toEqual([authorization, 200])
  }
})

it('accepts a request that is signed with several keys, of which it knows one', async () => {
  const { one, stranger, header } = await meeting()
  const other = header.replace(/key="[^"]*"/, 'key="ed25519:unknown"')
  expect((await stranger.ask(one, 'GET', PROFILE, { authorization: [other, header] })).status).toBe(200)
})

it('says the same to whoever has not proven to be a server that we talk to', async () => {
  const { one, stranger, header } = await meeting()
  const wrong = [
    '',
    'Bearer abc',
    'X-Matrix',
    'X-Matrix origin=stranger.test',
    header.replace('stranger.test', 'other.test'),
    header.replace('one.test', 'two.test'),
    header.replace(/sig="(.)/, (_all, first) => `sig="${first === 'A' ? 'B' : 'A'}`),
    header.replace('stranger.test', 'one.test'),
    header.replace('stranger.test', 'not a name'),
    `${header},origin="stranger.test"`,
  ]
  const answers = await Promise.all(wrong.map((authorization) => stranger.ask(one, 'GET', PROFILE, { authorization })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
})

it('binds the signature to method, target and body', async () => {
  const { one, stranger, header } = await meeting()
  const other = PROFILE.replace('alice', 'bob')
  expect((await stranger.ask(one, 'GET', other, { authorization: header })).status).toBe(401)
})

it('looks nothing up because of a server that it does not talk to', async () => {
  const world = await World.create()
  const one = await world.start('one.test', { federation: { mode: 'list', servers: [{ name: 'friend.test' }] } })
  const stranger = await FakeServer.start(world, 'stranger.test')
  const friend = await FakeServer.start(world, 'friend.test')
  await one.client.register('alice')
  expect((await stranger.ask(one, 'GET', PROFILE)).status).toBe(401)
  expect(world.network.lookups).toEqual([])
  expect((await friend.ask(one, 'GET', PROFILE)).status).toBe(200)
  expect(stranger.got).toEqual([])
})

it('talks to nobody as long as federation is closed', async () => {
  const world = await World.create()
  const one = await world.start('one.test', { federation: {} })
  const stranger = await FakeServer.start(world, 'stranger.test')
  expect((await stranger.ask(one, 'GET', PROFILE)).status).toBe(401)
  const alice = await one.client.register('alice')
  const answer = await alice.request('GET', '/v3/profile/@bob:stranger.test')
  expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  expect(world.network.lookups).toEqual([])
})

it('shows our users the profiles of other servers', async () => {
  const world = await World.create()
  const [one, two] = [await world.start('one.test'), await world.start('two.test')]
  const alice = await one.client.register('alice')
  const bob = await two.client.register('bob')
  await bob.put(`/v3/profile/${bob.userId}/displayname`, { displayname: 'Bob of Two' })
  expect(await alice.get(`/v3/profile/${bob.userId}`)).toEqual({ displayname: 'Bob of Two' })
  const missing = await alice.request('GET', '/v3/profile/@nobody:two.test')
  expect([missing.status, missing.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  const away = await alice.request('GET', '/v3/profile/@nobody:nowhere.test')
  expect([away.status, away.body.errcode]).toEqual([502, 'M_UNKNOWN'])
})
