import { createClient, EventTimeline, type MatrixClient, Preset } from 'matrix-js-sdk'
import { SlidingSync } from 'matrix-js-sdk/lib/sliding-sync.js'
import { expect, it, onTestFinished } from 'vitest'
import { startServer } from '../support/server.ts'
import { eventually, roomOf, signUp } from './sdk.ts'

const ROOM = {
  timeline_limit: 5,
  required_state: [
    ['*', '*'],
    ['m.room.member', '$LAZY'],
  ],
}

/** A client on another device of the user, that knows sliding sync alone. */
async function slide(url: string, user: MatrixClient): Promise<MatrixClient> {
  const identifier = { type: 'm.id.user', user: user.getUserId() ?? '' } as const
  const request = { type: 'm.login.password', identifier, password: 'correct horse battery staple' } as const
  const session = await createClient({ baseUrl: url }).loginRequest(request)
  const client = createClient({
    baseUrl: url,
    userId: session.user_id,
    accessToken: session.access_token,
    deviceId: session.device_id,
  })
  onTestFinished(() => client.stopClient())
  const lists = new Map([['all', { ranges: [[0, 19]], ...ROOM }]])
  await client.startClient({ slidingSync: new SlidingSync(url, lists, ROOM, client, 10_000) })
  return client
}

const textsOf = (client: MatrixClient, roomId: string) =>
  (client.getRoom(roomId)?.getLiveTimeline().getEvents() ?? []).flatMap((event) => event.getContent().body ?? [])

it('A client that somebody else wrote talks by sliding sync alone', { timeout: 30_000 }, async () => {
  const { url } = await startServer()
  const alice = await signUp(url, 'alice')
  const bob = await signUp(url, 'bob')
  const { room_id: roomId } = await alice.createRoom({ preset: Preset.PublicChat, name: 'Office' })
  await alice.sendTextMessage(roomId, 'before')
  const sliding = await slide(url, alice)
  await eventually(() => sliding.getRoom(roomId)?.name).toBe('Office')
  await eventually(() => textsOf(sliding, roomId)).toContain('before')
  await bob.joinRoom(roomId)
  await bob.sendTextMessage(roomId, 'hello')
  await eventually(() => textsOf(sliding, roomId)).toContain('hello')
  await eventually(() => roomOf(sliding, roomId).getJoinedMemberCount()).toBe(2)
  await sliding.sendTextMessage(roomId, 'answer')
  await eventually(() => textsOf(bob, roomId)).toContain('answer')
  await eventually(() => textsOf(sliding, roomId)).toEqual(['before', 'hello', 'answer'])
  await alice.setRoomName(roomId, 'Kitchen')
  await eventually(() => roomOf(sliding, roomId).name).toBe('Kitchen')
  await bob.sendTyping(roomId, true, 10_000)
  await eventually(() => roomOf(sliding, roomId).getMember(bob.getUserId() ?? '')?.typing).toBe(true)
  await sliding.setRoomTag(roomId, 'm.favourite', {})
  await eventually(() => Object.keys(roomOf(sliding, roomId).tags)).toContain('m.favourite')
  const { room_id: invited } = await bob.createRoom({ invite: [alice.getUserId() ?? ''], name: 'Party' })
  await eventually(() => sliding.getRoom(invited)?.getMyMembership()).toBe('invite')
  await sliding.joinRoom(invited)
  await eventually(() => sliding.getRoom(invited)?.getMyMembership()).toBe('join')
  expect(
    roomOf(sliding, invited).getLiveTimeline().getState(EventTimeline.FORWARDS)?.getStateEvents('m.room.create', ''),
  ).toBeTruthy()
})
