import { createHmac } from 'node:crypto'
import { expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

const uris = ['turn:turn.example.org?transport=udp']
const transport = { type: 'livekit', livekit_service_url: 'https://livekit.example.org' }

it('gives each user a password for the TURN servers that ends by itself', async () => {
  const { client, clock } = await startServer({
    config: { calls: { turn: { uris, shared_secret: 'hush', lifetime: '10min' } } },
  })
  const alice = await client.register('alice')
  const { username, ...access } = await alice.get('/v3/voip/turnServer')
  expect(username).toBe(`${Math.floor(clock.now() / 1000) + 600}:${alice.userId}`)
  const password = createHmac('sha1', 'hush').update(String(username)).digest('base64')
  expect(access).toEqual({ password, uris, ttl: 600 })
})

it('names no TURN server where there is none', async () => {
  const { client } = await startServer()
  const alice = await client.register('alice')
  expect((await alice.request('GET', '/v3/voip/turnServer')).status).toBe(404)
  expect(await alice.get('/unstable/org.matrix.msc4143/rtc/transports')).toEqual({ rtc_transports: [] })
})

it('names the servers for calls of many, also to clients that are not logged in yet', async () => {
  const { client, url } = await startServer({
    config: { public_url: 'https://m.example.org', calls: { rtc_transports: [transport] } },
  })
  const alice = await client.register('alice')
  expect(await alice.get('/unstable/org.matrix.msc4143/rtc/transports')).toEqual({ rtc_transports: [transport] })
  const wellKnown = (await (await fetch(`${url}/.well-known/matrix/client`)).json()) as object
  expect(wellKnown).toMatchObject({ 'org.matrix.msc4143.rtc_foci': [transport] })
})
