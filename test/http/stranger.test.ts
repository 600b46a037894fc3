import { describe, expect, it } from 'vitest'
import type { Route } from '../../src/http/route.ts'
import { clientRoutes } from '../../src/http/routes.ts'
import type { User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

/** Stands in everything that the room holds: no answer to an outsider may have it. */
const SECRET = 'beaconfire'

interface World {
  readonly alice: User
  readonly outsider: User
  readonly ids: Readonly<Record<string, string>>
}

/** A private room full of secrets, and somebody who was never in it. */
async function buildWorld(): Promise<World> {
  const { client } = await startServer()
  const alice = await client.register('alice')
  const bob = await client.register('bob')
  const outsider = await client.register('mallory')
  const roomId = await alice.createRoom({ name: SECRET, topic: SECRET, invite: [bob.userId] })
  await bob.join(roomId)
  await alice.sendState(roomId, 'org.example.secret', { body: SECRET }, SECRET)
  const eventId = await alice.send(roomId, SECRET)
  await bob.send(roomId, {
    msgtype: 'm.text',
    body: SECRET,
    'm.relates_to': { rel_type: 'm.thread', event_id: eventId },
  })
  const later = `/v3/rooms/${roomId}/send/m.room.message/later?org.matrix.msc4140.delay=60000`
  const { delay_id: delayId } = await alice.put(later, { msgtype: 'm.text', body: SECRET })
  const ids = {
    roomId,
    delayId,
    eventId,
    roomIdOrAlias: roomId,
    eventType: 'm.room.name',
    stateKey: '',
    relType: 'm.thread',
    userId: outsider.userId,
    type: 'm.tag',
    scope: 'global',
    kind: 'override',
    ruleId: '.m.rule.master',
    keyName: 'displayname',
    authType: 'm.login.dummy',
    deviceId: outsider.deviceId,
    filterId: '0',
    roomAlias: '#none:example.org',
    serverName: 'example.org',
    mediaId: 'nothing',
    fileName: 'nothing.txt',
    protocol: 'irc',
    networkId: 'freenode',
    version: '1',
    sessionId: 'none',
  }
  return { alice, outsider, ids }
}

/** Where an error of its own says that the server does not know a room: so the specification or, for joins, every server. */
const TELLING = new Set([
  'client.getRoomVisibilityOnDirectory',
  'client.setRoomVisibilityOnDirectory',
  'client.joinRoom',
  'client.joinRoomById',
  'client.knockRoom',
])

const reads = clientRoutes.filter(({ spec }) => spec.method === 'GET')
const pathsOf = ({ spec }: Route): string[] => [spec.path].flat()
const namesRoom = (route: Route): boolean => pathsOf(route).some((path) => /:roomId(?!\w)|:roomIdOrAlias/.test(path))

const fill = (path: string, ids: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const id = ids[name]
    // A route with a parameter that this test has no value for: give it one above.
    if (id === undefined) throw new Error(`No value for :${name} of ${path}`)
    return encodeURIComponent(id)
  })

describe('a stranger to a room', () => {
  it('finds nothing of it anywhere else', async () => {
    const { outsider, ids } = await buildWorld()
    for (const route of reads.filter((read) => !namesRoom(read))) {
      for (const path of pathsOf(route)) {
        const { body } = await outsider.request('GET', `${fill(path, ids)}?timeout=0`)
        expect(JSON.stringify(body), path).not.toContain(SECRET)
        expect(JSON.stringify(body), path).not.toContain(ids.roomId)
      }
    }
  })

  it('hears the same about it as about a room that does not exist, whatever they send there', async () => {
    const { outsider, ids } = await buildWorld()
    const nowhere = `!${'A'.repeat(43)}`
    const bodies = [
      { user_id: outsider.userId, event_id: ids.eventId, name: SECRET, typing: true, content: {}, delay_ms: 1 },
      { user_id: outsider.userId, alias: '#none:example.org', membership: 'join', new_version: '11', delay_ms: 1 },
    ]
    const requests = clientRoutes
      .filter((route) => !TELLING.has(route.spec.id) && namesRoom(route))
      .flatMap((route) => pathsOf(route).map((path) => ({ method: route.spec.method, path })))
    let txn = 0
    for (const { method, path } of requests) {
      for (const type of ['m.room.name', 'm.room.canonical_alias']) {
        for (const body of bodies) {
          const ask = async (roomId: string) => {
            const more = { roomId, roomIdOrAlias: roomId, eventType: type, receiptType: 'm.read', tag: 'u.x' }
            const filled = fill(path, { ...ids, ...more, txnId: `t${txn++}` })
            const { status, body: answer } = await outsider.request(method, filled, method === 'GET' ? undefined : body)
            return { status, errcode: answer.errcode, error: answer.error }
          }
          expect(await ask(ids.roomId ?? ''), `${method} ${path}`).toEqual(await ask(nowhere))
        }
      }
    }
  })

  it('changes nothing in it', async () => {
    const { alice, outsider, ids } = await buildWorld()
    const state = () => alice.get(fill('/_matrix/client/v3/rooms/:roomId/state', ids))
    const before = await state()
    const writes = clientRoutes.filter((route) => route.spec.method !== 'GET' && namesRoom(route))
    for (const route of writes) {
      for (const path of pathsOf(route)) {
        const body = { user_id: outsider.userId, content: {}, event_id: ids.eventId, name: SECRET, typing: true }
        await outsider.request(
          route.spec.method,
          fill(path, { ...ids, txnId: 't', receiptType: 'm.read', tag: 'u.x' }),
          body,
        )
      }
    }
    expect(await state()).toEqual(before)
  })
})
