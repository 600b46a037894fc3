import { describe, expect, it } from 'vitest'
import { startServer } from '../support/server.ts'

describe('discovery', () => {
  it('names the versions of the specification from 1.1 to 1.19', async () => {
    const { client } = await startServer()
    const { versions } = await client.get('/versions')
    expect(versions).toContain('v1.1')
    expect(versions).toContain('v1.19')
    expect(versions).toContain('r0.6.1')
  })

  it('publishes where clients reach it, when it knows', async () => {
    const { client } = await startServer({ config: { public_url: 'https://matrix.example.org/' } })
    expect(await client.get('/.well-known/matrix/client')).toEqual({
      'm.homeserver': { base_url: 'https://matrix.example.org' },
      'io.element.e2ee': { default: true },
    })
  })

  it('publishes nothing when it does not', async () => {
    const { client } = await startServer()
    expect(await client.request('GET', '/.well-known/matrix/client')).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    })
  })

  it('says that it is healthy', async () => {
    const { client } = await startServer()
    expect(await client.get('/health')).toEqual({ status: 'ok' })
    expect(await client.get('/metrics')).toContain('bongsu_http_requests_total')
  })
})
