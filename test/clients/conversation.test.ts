import {
  EventTimeline,
  EventType,
  KnownMembership,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  Preset,
  ReceiptType,
  RelationType,
  type Room,
  TimelineWindow,
} from 'matrix-js-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openServer, type TestServer } from '../support/server.ts'
import { eventually, logIn, roomOf, signUp } from './sdk.ts'

/** What one does through matrix-js-sdk, the other sees through its own sync. */
describe('two people who use a client that somebody else wrote', () => {
  let server: TestServer
  beforeAll(async () => {
    server = await openServer()
  })
  afterAll(() => server.close())

  let people = 0
  const newcomer = (name: string) => signUp(server.url, `${name}-${++people}`)

  /** Alice's room, in which Bob is. */
  async function conversation(options: { room_version?: string } = {}) {
    const [alice, bob] = await Promise.all([newcomer('alice'), newcomer('bob')])
    const { room_id: roomId } = await alice.createRoom({ preset: Preset.PrivateChat, name: 'Office', ...options })
    await alice.invite(roomId, idOf(bob))
    await bob.joinRoom(roomId)
    await eventually(() => roomOf(alice, roomId).getMember(idOf(bob))?.membership).toBe(KnownMembership.Join)
    await eventually(() => roomOf(bob, roomId).name).toBe('Office')
    return { alice, bob, roomId }
  }

  it('know that one was invited, joined and left', async () => {
    const [alice, bob] = await Promise.all([newcomer('alice'), newcomer('bob')])
    const invited = { invite: [idOf(bob)], is_direct: true }
    const { room_id: roomId } = await alice.createRoom({ ...invited, name: 'Office', topic: 'Tea' })
    await eventually(() => bob.getRoom(roomId)?.getMyMembership()).toBe(KnownMembership.Invite)
    expect(roomOf(bob, roomId)).toMatchObject({ name: 'Office' })
    expect(roomOf(bob, roomId).getDMInviter()).toBe(idOf(alice))

    await bob.joinRoom(roomId)
    await eventually(() => roomOf(bob, roomId).getMyMembership()).toBe(KnownMembership.Join)
    await eventually(() => membersOf(alice, roomId)).toEqual([idOf(alice), idOf(bob)])
    await eventually(() => stateOf(bob, roomId, EventType.RoomTopic)?.topic).toBe('Tea')

    await bob.leave(roomId)
    await eventually(() => membersOf(alice, roomId)).toEqual([idOf(alice)])
  })

  it('leave word for the time when they are not heard of any more, as calls do', async () => {
    const { alice, bob, roomId } = await conversation()
    const left = { left: true } as never
    const type = EventType.GroupCallMemberPrefix
    const word = (stateKey: string, delay: number) =>
      alice._unstable_sendDelayedStateEvent(roomId, { delay }, type, left, stateKey)
    const { delay_id: cancelled } = await word('_cancelled', 60_000)
    const { delay_id: sent } = await word('_sent', 60_000)
    await alice._unstable_restartScheduledDelayedEvent(sent)
    await alice._unstable_cancelScheduledDelayedEvent(cancelled)
    await expect(alice._unstable_restartScheduledDelayedEvent(cancelled)).rejects.toMatchObject({
      errcode: 'M_NOT_FOUND',
    })
    await alice._unstable_sendScheduledDelayedEvent(sent)
    await eventually(() => stateOf(bob, roomId, type, '_sent')).toEqual({ left: true })
    expect(stateOf(bob, roomId, type, '_cancelled')).toBeUndefined()
  })

  it('read what each other says, in the order in which it was said', async () => {
    const { alice, bob, roomId } = await conversation()
    await alice.sendTextMessage(roomId, 'Shall we?')
    await eventually(() => textsIn(roomOf(bob, roomId))).toEqual(['Shall we?'])
    await bob.sendTextMessage(roomId, '네, 좋아요 🍵')
    await bob.sendTextMessage(roomId, 'In five minutes.')
    await eventually(() => textsIn(roomOf(alice, roomId))).toEqual(['Shall we?', '네, 좋아요 🍵', 'In five minutes.'])
    await eventually(() => textsIn(roomOf(bob, roomId))).toEqual(['Shall we?', '네, 좋아요 🍵', 'In five minutes.'])
  })

  it('see an edit in the place of what was edited, and the original once it is redacted', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: said } = await alice.sendTextMessage(roomId, 'At thre')
    const { event_id: edited } = await alice.sendMessage(roomId, {
      msgtype: MsgType.Text,
      body: '* At three',
      'm.new_content': { msgtype: MsgType.Text, body: 'At three' },
      'm.relates_to': { rel_type: RelationType.Replace, event_id: said },
    })
    await eventually(() => eventOf(bob, roomId, said).getContent().body).toBe('At three')
    expect(eventOf(bob, roomId, said).getOriginalContent().body).toBe('At thre')

    const late = await logIn(server.url, idOf(bob)) // gets both from the server at once
    await eventually(() => eventOf(late, roomId, said).replacingEventId()).toBe(edited)

    await alice.redactEvent(roomId, edited)
    await eventually(() => eventOf(bob, roomId, said).getContent().body).toBe('At thre')
  })

  it('count reactions, which go with their redaction', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: said } = await alice.sendTextMessage(roomId, 'Tea is ready')
    const react = (client: MatrixClient) =>
      client.sendEvent(roomId, EventType.Reaction, {
        'm.relates_to': { rel_type: RelationType.Annotation, event_id: said, key: '👍' },
      })
    await react(alice)
    const { event_id: bobs } = await react(bob)
    await eventually(() => reactionsTo(alice, roomId, said)).toEqual({ '👍': 2 })
    await expect(react(bob)).rejects.toMatchObject({ errcode: 'M_DUPLICATE_ANNOTATION' })

    await bob.redactEvent(roomId, bobs)
    await eventually(() => reactionsTo(alice, roomId, said)).toEqual({ '👍': 1 })
  })

  it('lose the text of what is redacted, and keep that it was there', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: said } = await alice.sendTextMessage(roomId, 'The password is tea')
    await eventually(() => textsIn(roomOf(bob, roomId))).toEqual(['The password is tea'])

    await alice.redactEvent(roomId, said, undefined, { reason: 'Wrong room' })
    await eventually(() => eventOf(bob, roomId, said).isRedacted()).toBe(true)
    expect(eventOf(bob, roomId, said).getContent()).toEqual({})
    expect(eventOf(bob, roomId, said).getRedactionEvent()).toMatchObject({
      sender: idOf(alice),
      content: { reason: 'Wrong room' },
    })
  })

  it('reply to each other', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: question } = await alice.sendTextMessage(roomId, 'Milk?')
    const { event_id: answer } = await bob.sendMessage(roomId, {
      msgtype: MsgType.Text,
      body: 'Yes',
      'm.relates_to': { 'm.in_reply_to': { event_id: question } },
    })
    await eventually(() => eventOf(alice, roomId, answer).replyEventId).toBe(question)
  })

  it('follow a thread beside the room, with its own unread messages', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: root } = await alice.sendTextMessage(roomId, 'About the tea')
    const say = (client: MatrixClient, body: string) =>
      client.sendMessage(roomId, root, { msgtype: MsgType.Text, body })
    const unreadBy = (client: MatrixClient) => roomOf(client, roomId).getThreadUnreadNotificationCount(root)

    await say(alice, 'Green?')
    await say(alice, 'Or black?')
    await eventually(() => threadOf(bob, roomId, root)).toEqual(['About the tea', 'Green?', 'Or black?'])
    expect(textsIn(roomOf(bob, roomId))).toEqual(['About the tea'])
    await eventually(() => unreadBy(bob)).toBe(2)

    const { event_id: answer } = await say(bob, 'Green')
    await eventually(() => threadOf(alice, roomId, root)).toEqual(['About the tea', 'Green?', 'Or black?', 'Green'])
    await eventually(() => unreadBy(bob)).toBe(0)
    await eventually(() => unreadBy(alice)).toBe(1)

    await alice.sendReadReceipt(eventOf(alice, roomId, answer))
    await eventually(() => unreadBy(alice)).toBe(0)
    const readByAlice = () => roomOf(bob, roomId).getThread(root)?.getEventReadUpTo(idOf(alice))
    await eventually(readByAlice).toBe(answer)
  })

  it('find the threads that began before they logged in', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: root } = await alice.sendTextMessage(roomId, 'About the tea')
    await alice.sendMessage(roomId, root, { msgtype: MsgType.Text, body: 'Green?' })
    await bob.sendMessage(roomId, root, { msgtype: MsgType.Text, body: 'Black' })
    await bob.sendTextMessage(roomId, 'Something else')

    const room = roomOf(await logIn(server.url, idOf(bob), { initialSyncLimit: 1 }), roomId)
    await room.createThreadsTimelineSets()
    await room.fetchRoomThreads()
    await eventually(() => room.getThread(root)?.length).toBe(2)
    expect(room.getThread(root)).toMatchObject({ hasCurrentUserParticipated: true })
    await eventually(() => room.getThread(root)?.replyToEvent?.getContent().body).toBe('Black')
  })

  it('see how far the other has read, unless that is kept private', async () => {
    const { alice, bob, roomId } = await conversation()
    const { event_id: first } = await alice.sendTextMessage(roomId, 'One')
    const { event_id: second } = await alice.sendTextMessage(roomId, 'Two')
    await eventually(() => textsIn(roomOf(bob, roomId))).toEqual(['One', 'Two'])
    await eventually(() => roomOf(bob, roomId).getUnreadNotificationCount()).toBe(2)

    await bob.sendReadReceipt(eventOf(bob, roomId, first))
    await eventually(() => readUpTo(alice, roomId, bob)).toBe(first)
    await eventually(() => roomOf(bob, roomId).getUnreadNotificationCount()).toBe(1)

    await bob.sendReadReceipt(eventOf(bob, roomId, second), ReceiptType.ReadPrivate)
    await eventually(() => roomOf(bob, roomId).getUnreadNotificationCount()).toBe(0)
    await bob.sendTyping(roomId, true, 30_000) // what came before this has reached Alice with it
    await eventually(() => roomOf(alice, roomId).getMember(idOf(bob))?.typing).toBe(true)
    expect(readUpTo(alice, roomId, bob)).toBe(first)
  })

  it('see each other type', async () => {
    const { alice, bob, roomId } = await conversation()
    const bobTypes = () => roomOf(alice, roomId).getMember(idOf(bob))?.typing
    await bob.sendTyping(roomId, true, 30_000)
    await eventually(bobTypes).toBe(true)
    await bob.sendTyping(roomId, false, 30_000)
    await eventually(bobTypes).toBe(false)
    await bob.sendTyping(roomId, true, 30_000)
    await eventually(bobTypes).toBe(true)
    server.clock.advance(30_001)
    await eventually(bobTypes).toBe(false)
  })

  it('scroll back through 500 messages, none missing and none twice', async () => {
    const { alice, bob, roomId } = await conversation()
    const said = Array.from({ length: 500 }, (_, at) => `Message ${at}`)
    for (const body of said) await alice.sendTextMessage(roomId, body)
    await eventually(() => textsIn(roomOf(bob, roomId)).at(-1)).toBe('Message 499')

    const late = await logIn(server.url, idOf(bob))
    const window = new TimelineWindow(late, roomOf(late, roomId).getUnfilteredTimelineSet())
    await window.load()
    while (window.canPaginate(EventTimeline.BACKWARDS)) await window.paginate(EventTimeline.BACKWARDS, 60)
    expect(textsOf(window.getEvents())).toEqual(said)
    expect(window.getEvents()[0]?.getType()).toBe(EventType.RoomCreate)
  })

  it('load members lazily: those who speak with what they say, the others when they are wanted', async () => {
    const { alice, bob, roomId } = await conversation()
    const carol = await newcomer('carol')
    await carol.setDisplayName('Carol')
    await alice.invite(roomId, idOf(carol))
    await carol.joinRoom(roomId)
    for (let at = 0; at < 10; at++) await alice.sendTextMessage(roomId, `Message ${at}`)

    const late = await logIn(server.url, idOf(bob), { lazyLoadMembers: true, initialSyncLimit: 4 })
    const room = roomOf(late, roomId)
    expect(room.getMember(idOf(alice))).toMatchObject({ membership: KnownMembership.Join })
    expect(room.getMember(idOf(carol))).toBeNull()
    expect(room.getJoinedMemberCount()).toBe(3)

    await carol.sendTextMessage(roomId, 'Am I late?')
    await eventually(() => room.getMember(idOf(carol))?.name).toBe('Carol')

    const later = await logIn(server.url, idOf(bob), { lazyLoadMembers: true, initialSyncLimit: 1 })
    expect(membersOf(later, roomId)).not.toContain(idOf(alice))
    await roomOf(later, roomId).loadMembersIfNeeded()
    expect(membersOf(later, roomId)).toEqual([idOf(alice), idOf(bob), idOf(carol)].sort())
  })

  it('move to a room of a newer version and find the way back', async () => {
    const { alice, bob, roomId } = await conversation({ room_version: '10' })
    await alice.sendTextMessage(roomId, 'The old room')
    const { replacement_room: newRoomId } = await alice.upgradeRoom(roomId, '12')
    await eventually(() => stateOf(bob, roomId, EventType.RoomTombstone)?.replacement_room).toBe(newRoomId)
    await eventually(() => roomOf(alice, newRoomId).getVersion()).toBe('12')

    await alice.invite(newRoomId, idOf(bob))
    await bob.joinRoom(newRoomId)
    await eventually(() => roomOf(bob, newRoomId).name).toBe('Office')
    expect(roomOf(bob, newRoomId).findPredecessor()).toMatchObject({ roomId })
    expect(bob.getRoomUpgradeHistory(newRoomId, true).map((room) => room.roomId)).toEqual([roomId, newRoomId])
    await expect(bob.sendTextMessage(roomId, 'Anyone?')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' })

    await bob.sendTextMessage(newRoomId, 'The new room')
    await eventually(() => textsIn(roomOf(alice, newRoomId))).toEqual(['The new room'])
  })

  it('log out of one device and stay on the other', async () => {
    const { alice, bob, roomId } = await conversation()
    const phone = await logIn(server.url, idOf(alice))
    const devicesOf = async (client: MatrixClient) =>
      (await client.getDevices()).devices.map(({ device_id }) => device_id).sort()
    expect(await devicesOf(alice)).toEqual([alice.getDeviceId(), phone.getDeviceId()].sort())

    await phone.logout(true)
    await expect(phone.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', httpStatus: 401 })
    expect(await devicesOf(alice)).toEqual([alice.getDeviceId()])

    await bob.sendTextMessage(roomId, 'Still there?')
    await eventually(() => textsIn(roomOf(alice, roomId))).toEqual(['Still there?'])
  })
})

const idOf = (client: MatrixClient): string => client.getSafeUserId()

const textsOf = (events: readonly MatrixEvent[]): string[] =>
  events.filter((event) => event.getType() === EventType.RoomMessage).map((event) => event.getContent().body)

const textsIn = (room: Room): string[] => textsOf(room.getLiveTimeline().getEvents())

const threadOf = (client: MatrixClient, roomId: string, root: string): string[] =>
  textsOf(roomOf(client, roomId).getThread(root)?.events ?? [])

function eventOf(client: MatrixClient, roomId: string, eventId: string): MatrixEvent {
  const event = roomOf(client, roomId).findEventById(eventId)
  if (event === undefined) throw new Error(`${idOf(client)} has not seen ${eventId}`)
  return event
}

const stateOf = (client: MatrixClient, roomId: string, type: string, stateKey = '') =>
  roomOf(client, roomId)
    .getLiveTimeline()
    .getState(EventTimeline.FORWARDS)
    ?.getStateEvents(type, stateKey)
    ?.getContent()

const membersOf = (client: MatrixClient, roomId: string): string[] =>
  roomOf(client, roomId)
    .getJoinedMembers()
    .map((member) => member.userId)
    .sort()

const readUpTo = (client: MatrixClient, roomId: string, reader: MatrixClient) =>
  roomOf(client, roomId).getEventReadUpTo(idOf(reader))

/** How many reacted with each key. */
function reactionsTo(client: MatrixClient, roomId: string, eventId: string): Record<string, number> {
  const { relations } = roomOf(client, roomId)
  const reactions = relations.getChildEventsForEvent(eventId, RelationType.Annotation, EventType.Reaction)
  return Object.fromEntries((reactions?.getSortedAnnotationsByKey() ?? []).map(([key, events]) => [key, events.size]))
}
