import { describe, expect, it } from 'vitest'
import { checkAuthEvents } from '../../../src/room/auth/check-auth-events.ts'
import type { Pdu, RoomEvent } from '../../../src/room/event.ts'
import { ALL, eventOf, since, until, versionOf } from '../../support/auth-rules.ts'

const CREATE = eventOf({ type: 'm.room.create', sender: '@alice:a', state_key: '' }, '$create')
const LEVELS = eventOf({ type: 'm.room.power_levels', sender: '@alice:a', state_key: '' }, '$levels')
const RULES = eventOf({ type: 'm.room.join_rules', sender: '@alice:a', state_key: '' }, '$rules')
const BOB = eventOf({ type: 'm.room.member', state_key: '@bob:b' }, '$bob')
const ROOM_12 = '!create'

/** What a version says of an event that names these auth events; in version 12 they leave out the create event. */
function verdict(id: string, auth: RoomEvent[], pdu: Partial<Pdu> = {}, known = [CREATE, ...auth]) {
  const version = versionOf(id)
  const inRoom = (event: RoomEvent): RoomEvent =>
    version.createHashRoomId && event !== CREATE ? { ...event, pdu: { ...event.pdu, room_id: roomOf(event) } } : event
  const roomOf = ({ pdu: { room_id: roomId } }: RoomEvent) => (roomId === '!room:a' ? ROOM_12 : (roomId ?? ''))
  const byId = new Map(known.map((event) => [event.eventId, inRoom(event)]))
  const cited = auth.filter((event) => !(version.createHashRoomId && event === CREATE)).map(({ eventId }) => eventId)
  const references = version.eventId === 'random' ? cited.map((eventId) => [eventId, { sha256: '' }]) : cited
  return checkAuthEvents(inRoom(eventOf({ auth_events: references, ...pdu })), (eventId) => byId.get(eventId), version)
}

const verdicts = (auth: RoomEvent[], pdu: Partial<Pdu> = {}, known?: RoomEvent[], versions = ALL) =>
  versions.map((id) => verdict(id, auth, pdu, known))
const every = (expected: string | undefined, versions = ALL) => versions.map(() => expected)

describe('Rule 3 (2 in versions 1 to 11): the auth events', () => {
  it('are allowed as they should be', () => {
    expect(verdicts([CREATE, LEVELS, BOB])).toEqual(every(undefined))
    expect(verdicts([CREATE, BOB])).toEqual(every(undefined))
  })

  it('3.1: are not duplicated', () => {
    const another = { ...LEVELS, eventId: '$other' }
    expect(verdicts([CREATE, LEVELS, another])).toEqual(every('The auth event $other has the place of another'))
    expect(verdicts([CREATE, LEVELS, LEVELS])).toEqual(every('The auth event $levels has the place of another'))
  })

  it('3.2: are those that the event selects', () => {
    const refused = 'The auth event $rules has no say'
    expect(verdicts([CREATE, LEVELS, BOB, RULES])).toEqual(every(refused))
    const join = { type: 'm.room.member', state_key: '@bob:b', content: { membership: 'join' } }
    expect(verdicts([CREATE, LEVELS, BOB, RULES], join)).toEqual(every(undefined))
    const message = eventOf({ sender: '@alice:a' }, '$message')
    expect(verdicts([CREATE, message])).toEqual(every('The auth event $message has no say'))
  })

  it('3.2: are not the create event since version 12', () => {
    const refused = 'The auth event $create has no say'
    const citesCreate = { auth_events: ['$create'] }
    expect(verdicts([CREATE], citesCreate, undefined, since(3))).toEqual(
      since(3).map((id) => (id === '12' ? refused : undefined)),
    )
  })

  it('3.2: may be the member who authorised a restricted join, since version 8', () => {
    const mod = eventOf({ type: 'm.room.member', sender: '@mod:a', state_key: '@mod:a' }, '$mod')
    const content = { membership: 'join', join_authorised_via_users_server: '@mod:a' }
    const join = { type: 'm.room.member', state_key: '@bob:b', content }
    const refused = 'The auth event $mod has no say'
    expect(verdicts([CREATE, mod], join)).toEqual(ALL.map((id) => (Number(id) < 8 ? refused : undefined)))
  })

  it('3.3: are none that were rejected', () => {
    expect(verdicts([CREATE, { ...LEVELS, rejected: true }])).toEqual(every('The auth event $levels was rejected'))
  })

  it('2.4 of versions 1 to 11: include the create event', () => {
    expect(verdicts([LEVELS, BOB], {}, undefined, until(11))).toEqual(every('The create event is not cited', until(11)))
  })

  it('3.5: are from the same room', () => {
    const foreign = { ...LEVELS, pdu: { ...LEVELS.pdu, room_id: '!elsewhere:a' } }
    expect(verdicts([CREATE, foreign])).toEqual(every('The auth event $levels is from another room'))
  })

  it('are all known', () => {
    expect(verdicts([CREATE, LEVELS], {}, [CREATE])).toEqual(every('An auth event is unknown'))
    expect(verdicts([], { auth_events: [5] }, [CREATE])).toEqual(every('An auth event is unknown'))
  })
})

describe('Rule 2 of version 12: the room id', () => {
  it('is that of a known create event', () => {
    const refused = 'The room id is not that of a known create event'
    expect(verdict('12', [LEVELS], {}, [LEVELS])).toBe(refused)
    expect(verdict('12', [], { room_id: '!levels' }, [LEVELS])).toBe(refused)
    expect(verdict('12', [], { room_id: '$create' })).toBe(refused)
  })

  it('is not that of a rejected one', () => {
    const rejected = { ...CREATE, rejected: true }
    const verdict12 = checkAuthEvents(eventOf({ room_id: ROOM_12 }), () => rejected, versionOf('12'))
    expect(verdict12).toBe('The create event was rejected')
  })
})

it('rule 1 decides on create events', () => {
  const create = eventOf({ type: 'm.room.create', state_key: '', auth_events: ['$unknown'] })
  expect(ALL.map((id) => checkAuthEvents(create, () => undefined, versionOf(id)))).toEqual(every(undefined))
})
