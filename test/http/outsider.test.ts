import { expect, it } from 'vitest'
import { clientRoutes } from '../../src/http/routes.ts'
import type { Answer, User } from '../support/client.ts'
import { startServer } from '../support/server.ts'

interface World {
  readonly roomId: string
  readonly eventId: string
  readonly member: User
}

const threadPath = (w: World) =>
  `/unstable/io.element.msc4306/rooms/${w.roomId}/thread/${encodeURIComponent(w.eventId)}/subscription`

/** Every endpoint that reads a room, and what it answers somebody who may not. */
const READS: Record<string, { path(world: World): string; refusal: 'M_FORBIDDEN' | 'M_NOT_FOUND' }> = {
  getRoomEvents: { path: (w) => `/v3/rooms/${w.roomId}/messages?dir=b`, refusal: 'M_FORBIDDEN' },
  getEventContext: { path: (w) => `/v3/rooms/${w.roomId}/context/${w.eventId}`, refusal: 'M_NOT_FOUND' },
  getOneRoomEvent: { path: (w) => `/v3/rooms/${w.roomId}/event/${w.eventId}`, refusal: 'M_NOT_FOUND' },
  getOneEvent: { path: (w) => `/v3/events/${w.eventId}`, refusal: 'M_NOT_FOUND' },
  getEventByTimestamp: { path: (w) => `/v1/rooms/${w.roomId}/timestamp_to_event?ts=0&dir=f`, refusal: 'M_FORBIDDEN' },
  getRelatingEvents: { path: (w) => `/v1/rooms/${w.roomId}/relations/${w.eventId}`, refusal: 'M_NOT_FOUND' },
  getRelatingEventsWithRelType: {
    path: (w) => `/v1/rooms/${w.roomId}/relations/${w.eventId}/m.thread`,
    refusal: 'M_NOT_FOUND',
  },
  getRelatingEventsWithRelTypeAndEventType: {
    path: (w) => `/v1/rooms/${w.roomId}/relations/${w.eventId}/m.thread/m.room.message`,
    refusal: 'M_NOT_FOUND',
  },
  getThreadRoots: { path: (w) => `/v1/rooms/${w.roomId}/threads`, refusal: 'M_FORBIDDEN' },
  getRoomState: { path: (w) => `/v3/rooms/${w.roomId}/state`, refusal: 'M_FORBIDDEN' },
  getRoomStateWithKey: { path: (w) => `/v3/rooms/${w.roomId}/state/m.room.create`, refusal: 'M_FORBIDDEN' },
  getMembersByRoom: { path: (w) => `/v3/rooms/${w.roomId}/members`, refusal: 'M_FORBIDDEN' },
  getJoinedMembersByRoom: { path: (w) => `/v3/rooms/${w.roomId}/joined_members`, refusal: 'M_FORBIDDEN' },
  roomInitialSync: { path: (w) => `/v3/rooms/${w.roomId}/initialSync`, refusal: 'M_FORBIDDEN' },
  getLocalAliases: { path: (w) => `/v3/rooms/${w.roomId}/aliases`, refusal: 'M_FORBIDDEN' },
  getThreadSubscription: { path: threadPath, refusal: 'M_NOT_FOUND' },
  getEvents: { path: (w) => `/v3/events?room_id=${w.roomId}&timeout=0`, refusal: 'M_FORBIDDEN' },
}

/** What users keep about a room is theirs, member or not. */
const OWN_DATA = new Set(['getAccountDataPerRoom', 'getRoomTags'])

/** What may be seen of a room that one could join; `spaces.test.ts` shows what is hidden of others. */
const PREVIEWS = new Set(['getSpaceHierarchy', 'getRoomSummaryUnstable'])

async function world() {
  const { client } = await startServer()
  const member = await client.register('member')
  const roomId = encodeURIComponent(await member.createRoom({ preset: 'public_chat', name: 'secret' }))
  const eventId = await member.send(decodeURIComponent(roomId), 'secret')
  await member.put(threadPath({ member, roomId, eventId }))
  const nowhere = { member, roomId: encodeURIComponent('!nowhere'), eventId: '$nothing' }
  return { client, member, here: { member, roomId, eventId }, nowhere }
}

const outcome = ({ status, body: { errcode, error } }: Answer) => ({ status, errcode, error })

it('covers every route that reads a room', () => {
  const reads = clientRoutes
    .filter(({ spec }) => spec.method === 'GET' && [spec.path].flat().some((path) => path.includes('/rooms/:roomId')))
    .map(({ spec }) => spec.id.replace('client.', ''))
  expect(reads.filter((id) => !(id in READS) && !OWN_DATA.has(id) && !PREVIEWS.has(id))).toEqual([])
})

for (const [operation, { path, refusal }] of Object.entries(READS)) {
  it(`${operation} answers a member, and an outsider the same as for a room that does not exist`, async () => {
    const { client, member, here, nowhere } = await world()
    expect((await member.request('GET', path(here))).status).toBe(200)
    const outsider = await client.register('outsider')
    const refused = await outsider.request('GET', path(here))
    expect(refused.body.errcode).toBe(refusal)
    expect(JSON.stringify(refused.body)).not.toContain('secret')
    expect(outcome(refused)).toEqual(outcome(await outsider.request('GET', path(nowhere))))
    const roomId = decodeURIComponent(here.roomId)
    await member.invite(roomId, outsider.userId)
    expect(outcome(await outsider.request('GET', path(here)))).toEqual(outcome(refused))
    expect((await client.request('GET', path(here))).body.errcode).toBe('M_MISSING_TOKEN')
  })
}
