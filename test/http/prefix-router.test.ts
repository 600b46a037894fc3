import { describe, expect, it } from 'vitest'
import { PrefixRouter } from '../../src/http/prefix-router.ts'

const endpoint = (method: string, path: string) => ({ method, path, serve: async () => {} })

const endpoints = [
  endpoint('GET', '/_matrix/client/v3/rooms/:roomId'),
  endpoint('GET', '/_matrix/client/v3/rooms/:roomId/state'),
  endpoint('GET', '/_matrix/client/v3/rooms/:roomId/state/:type'),
  endpoint('PUT', '/_matrix/client/v3/rooms/:roomId/state/:type/:key'),
  endpoint('PUT', '/_matrix/client/v3/rooms/:roomId/:thing'),
  endpoint('PUT', '/_matrix/client/v3/rooms/:roomId/send'),
  endpoint('GET', '/_matrix/client/v3/sync'),
]
const router = new PrefixRouter(endpoints)

/** The path of the route that serves it, with the parameters; or the methods that are known. */
function served(method: string, path: string) {
  const found = router.find(method, path)
  if (!('serve' in found)) return found.allow
  return [endpoints.find(({ serve }) => serve === found.serve)?.path.slice('/_matrix/client/v3'.length), found.params]
}

describe('the router', () => {
  it('finds a route by what follows its parameter', () => {
    const room = { roomId: '!a:b' }
    expect(served('GET', '/_matrix/client/v3/rooms/%21a%3Ab')).toEqual(['/rooms/:roomId', room])
    expect(served('GET', '/_matrix/client/v3/rooms/!a:b/state')).toEqual(['/rooms/:roomId/state', room])
    expect(served('GET', '/_matrix/client/v3/rooms/!a:b/state/x')).toEqual([
      '/rooms/:roomId/state/:type',
      { ...room, type: 'x' },
    ])
    expect(served('GET', '/_matrix/client/v3/sync')).toEqual(['/sync', {}])
  })

  it('takes the route with fewer parameters, and the other where only that fits', () => {
    const room = { roomId: '!a:b' }
    expect(served('PUT', '/_matrix/client/v3/rooms/!a:b/send')).toEqual(['/rooms/:roomId/send', room])
    expect(served('PUT', '/_matrix/client/v3/rooms/!a:b/else')).toEqual([
      '/rooms/:roomId/:thing',
      { ...room, thing: 'else' },
    ])
    expect(served('PUT', '/_matrix/client/v3/rooms/!a:b/state')).toEqual([
      '/rooms/:roomId/:thing',
      { ...room, thing: 'state' },
    ])
  })

  it('tells which methods a path knows', () => {
    expect(served('POST', '/_matrix/client/v3/rooms/!a:b/state')).toEqual(expect.arrayContaining(['GET', 'PUT']))
    expect(served('GET', '/_matrix/client/v3/nothing')).toEqual([])
    expect(served('GET', '/_matrix/client/v3/rooms/!a:b/state/x/y/z')).toEqual([])
  })
})
