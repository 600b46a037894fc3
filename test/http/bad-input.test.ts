import { describe, expect, it } from 'vitest'
import { roomPath } from '../support/client.ts'
import { rawRequest, sendRaw } from '../support/raw-http.ts'
import { startServer } from '../support/server.ts'

const LOGIN = '/_matrix/client/v3/login'

/** What `POST /login` makes of a body. */
async function answerTo(body: string) {
  const { client } = await startServer()
  const { status, body: answer } = await client.request('POST', LOGIN, body)
  return [status, answer.errcode]
}

describe('a body', () => {
  it('that is no JSON is M_NOT_JSON', async () => {
    expect(await answerTo('{"type":')).toEqual([400, 'M_NOT_JSON'])
  })

  it('of invalid UTF-8 is M_NOT_JSON', async () => {
    const { url } = await startServer()
    const bytes = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    const head = rawRequest('POST', LOGIN, [`Content-Length: ${bytes.length}`])
    expect(await sendRaw(url, head, bytes)).toMatch(/^HTTP\/1.1 400.*M_NOT_JSON/s)
  })

  it('that is no object is M_BAD_JSON', async () => {
    expect(await answerTo('[]')).toEqual([400, 'M_BAD_JSON'])
    expect(await answerTo('null')).toEqual([400, 'M_BAD_JSON'])
  })

  it('of the wrong type is M_BAD_JSON', async () => {
    expect(await answerTo('{"type":5}')).toEqual([400, 'M_BAD_JSON'])
  })

  it('with something missing is M_MISSING_PARAM', async () => {
    expect(await answerTo('{}')).toEqual([400, 'M_MISSING_PARAM'])
  })

  it('that is empty counts as {}', async () => {
    expect(await answerTo('')).toEqual([400, 'M_MISSING_PARAM'])
  })

  it('with a lone surrogate, or with a NUL where none belongs, is M_BAD_JSON', async () => {
    expect(await answerTo('{"type":"\\ud800"}')).toEqual([400, 'M_BAD_JSON'])
    expect(await answerTo('{"type":"\\u0000"}')).toEqual([400, 'M_BAD_JSON'])
  })

  it('with a number beyond what JSON numbers hold is M_BAD_JSON', async () => {
    expect(await answerTo('{"type":1e999}')).toEqual([400, 'M_BAD_JSON'])
  })

  it('nested like a bomb is M_BAD_JSON', async () => {
    const depth = 20_000
    expect(await answerTo(`{"type":${'['.repeat(depth)}${']'.repeat(depth)}}`)).toEqual([400, 'M_BAD_JSON'])
  })

  it('of more values than anybody needs is M_TOO_LARGE, whatever they are', async () => {
    const list = (item: string, count: number) => `{"type":[${Array(count).fill(item).join(',')}]}`
    expect(await answerTo(list('1', 29_000))).toEqual([400, 'M_BAD_JSON'])
    expect(await answerTo(list('1', 31_000))).toEqual([413, 'M_TOO_LARGE'])
    expect(await answerTo(list('[[]]', 11_000))).toEqual([413, 'M_TOO_LARGE'])
    // What stands in a text is none.
    const text = JSON.stringify(`\\"${',{['.repeat(15_000)}`)
    expect(await answerTo(`{"type":[${text}]}`)).toEqual([400, 'M_BAD_JSON'])
  })

  it('with a key named __proto__ changes nobody', async () => {
    expect(await answerTo('{"__proto__":{"type":"m.login.password"}}')).toEqual([400, 'M_MISSING_PARAM'])
    expect('type' in {}).toBe(false)
  })

  it('may have any Content-Type', async () => {
    const { client } = await startServer()
    const { body } = await client.request('POST', LOGIN, '{"type":5}', { 'content-type': 'text/plain' })
    expect(body.errcode).toBe('M_BAD_JSON')
  })
})

describe('a body that is too large', () => {
  it('is refused by its announced length, before any of it is read', async () => {
    const { url } = await startServer()
    const head = rawRequest('POST', LOGIN, ['Content-Length: 100000000'])
    expect(await sendRaw(url, head)).toMatch(/^HTTP\/1.1 413.*M_TOO_LARGE/s)
  })

  it('is refused as soon as it has come too far', async () => {
    const { url } = await startServer()
    const head = rawRequest('POST', LOGIN, ['Transfer-Encoding: chunked'])
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
    expect(await sendRaw(url, head, chunk, chunk)).toMatch(/^HTTP\/1.1 413.*M_TOO_LARGE/s)
  })

  it('is not asked for by a client that waits to be asked', async () => {
    const { url } = await startServer()
    const head = rawRequest('POST', LOGIN, ['Content-Length: 100000000', 'Expect: 100-continue'])
    expect(await sendRaw(url, head)).toMatch(/^HTTP\/1.1 413/)
  })
})

describe('a slow client', () => {
  it('is not waited for: its body must be complete in time', async () => {
    const { url } = await startServer({ config: { http: { body_timeout: '50ms' } } })
    const head = rawRequest('POST', LOGIN, ['Content-Length: 10'])
    expect(await sendRaw(url, head, '{')).toMatch(/^HTTP\/1.1 408.*errcode/s)
  })

  it('is not waited for: its body must be complete in time, also where it was answered without it', async () => {
    const { url } = await startServer({ config: { http: { body_timeout: '50ms' } } })
    for (const target of ['GET /_matrix/client/versions', 'POST /_matrix/client/v3/createRoom', 'POST /unknown']) {
      for (const body of ['Content-Length: 10', 'Transfer-Encoding: chunked'])
        expect(await sendRaw(url, `${target} HTTP/1.1\r\nHost: example.org\r\n${body}\r\n\r\n`)).toMatch(/^HTTP\/1.1 /)
    }
  })

  it('gets its next answer on the same connection where the unread body came in time', async () => {
    const { url } = await startServer({ config: { http: { body_timeout: '50ms' } } })
    const head = 'POST /unknown HTTP/1.1\r\nHost: example.org\r\nContent-Length: 10\r\n\r\n'
    const answers = await sendRaw(url, head, '0123456789', rawRequest('GET', '/_matrix/client/versions'))
    expect(answers).toMatch(/^HTTP\/1.1 404.*HTTP\/1.1 200/s)
  })

  it('is not waited for: its headers must be complete in time', async () => {
    const { url } = await startServer({ config: { http: { headers_timeout: '50ms' } } })
    expect(await sendRaw(url, 'GET / HTTP/1.1\r\nHost:')).toMatch(/^HTTP\/1.1 408.*errcode/s)
  })
})

describe('a request target', () => {
  it('with malformed percent-encoding is M_INVALID_PARAM', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    for (const path of ['/v3/rooms/%ZZ/leave', '/v3/rooms/%ff/leave', '/v3/rooms/!a%00b/leave']) {
      expect(await alice.request('POST', path, {})).toMatchObject({ status: 400, body: { errcode: 'M_INVALID_PARAM' } })
    }
    expect((await alice.request('GET', '/v3/publicRooms?since=%ZZ')).body.errcode).toBe('M_INVALID_PARAM')
  })

  it('with an id of more than 255 bytes is M_INVALID_PARAM', async () => {
    const { client } = await startServer()
    const alice = await client.register('alice')
    const long = encodeURIComponent(`!${'가'.repeat(100)}:example.org`)
    expect((await alice.request('POST', `/v3/rooms/${long}/leave`, {})).body.errcode).toBe('M_INVALID_PARAM')
  })

  it('nobody knows is M_UNRECOGNIZED, with 404, or 405 when another method would do', async () => {
    const { client } = await startServer()
    expect(await client.request('GET', '/_matrix/client/v3/nothing')).toMatchObject({
      status: 404,
      body: { errcode: 'M_UNRECOGNIZED' },
    })
    const wrongMethod = await client.request('PATCH', LOGIN, '{}')
    expect(wrongMethod).toMatchObject({ status: 405, body: { errcode: 'M_UNRECOGNIZED' } })
    expect(wrongMethod.headers.get('allow')).toContain('POST')
  })

  it('of any length or kind is answered', async () => {
    const { url } = await startServer()
    expect(await sendRaw(url, rawRequest('GET', `/${'a'.repeat(20_000)}`))).toMatch(/^HTTP\/1.1 431.*M_TOO_LARGE/s)
    expect(await sendRaw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400.*errcode/s)
    expect(await sendRaw(url, rawRequest('GET', 'http://else.where/_matrix/client/versions'))).toMatch(/^HTTP\/1.1 200/)
  })
})

describe('browsers', () => {
  it('find CORS headers on every answer, errors too', async () => {
    const { client, url } = await startServer()
    const answers = [
      await client.request('GET', '/versions'),
      await client.request('GET', '/_matrix/nothing'),
      await client.request('PATCH', LOGIN, '{}'),
      await client.request('POST', LOGIN, '{'),
      await client.request('GET', '/v3/account/whoami'),
    ]
    for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(await sendRaw(url, 'nonsense\r\n\r\n')).toContain('Access-Control-Allow-Origin: *')
  })

  it('may ask first, on any path', async () => {
    const { client } = await startServer()
    const { status, headers } = await client.request('OPTIONS', '/_matrix/client/v3/whatever')
    expect(status).toBe(204)
    expect(headers.get('access-control-allow-methods')).toContain('PUT')
    expect(headers.get('access-control-allow-headers')).toContain('Authorization')
  })
})

it('A room whose rules name rooms that nobody can have keeps out whom they keep out', async () => {
  const { client } = await startServer()
  const [alice, bob] = await client.registerAll('alice', 'bob')
  const roomId = await alice.createRoom()
  const allow = [{ type: 'm.room_membership', room_id: '!a\u0000:example.org' }]
  await alice.sendState(roomId, 'm.room.join_rules', { join_rule: 'restricted', allow })
  const joining = await bob.request('POST', `${roomPath(roomId)}/join`, {})
  expect(joining).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
  const summary = await bob.request('GET', `/v1/room_summary/${encodeURIComponent(roomId)}`)
  expect(summary).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
})
