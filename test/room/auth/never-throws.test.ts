import fc from 'fast-check'
import { it } from 'vitest'
import { parseJson } from '../../../src/matrix/parse-json.ts'
import { authorize } from '../../../src/room/auth/authorize.ts'
import { checkAuthEvents } from '../../../src/room/auth/check-auth-events.ts'
import { authTypesFor } from '../../../src/room/auth-types.ts'
import type { Pdu, RoomEvent } from '../../../src/room/event.ts'
import { ALL, versionOf } from '../../support/auth-rules.ts'

const anyJson = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom('1e400', '-0', '9007199254740993', '1.5', '{"__proto__":1}').map((text) => parseJson(text)),
)
/** Mostly what rules look for, so that they are entered, and anything else in its place. */
const oneOf = (...usual: unknown[]) => fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...usual) }, anyJson)
const users = ['@alice:a', '@bob:b', '@carol:c']
const level = oneOf(0, 50, 100, '50', 1.5, null)
const levelMap = fc.oneof(fc.dictionary(fc.oneof(fc.constantFrom(...users), fc.string()), level), anyJson)

const content = fc.record(
  {
    membership: oneOf('join', 'invite', 'leave', 'ban', 'knock'),
    join_rule: oneOf('public', 'invite', 'knock', 'restricted', 'knock_restricted'),
    join_authorised_via_users_server: oneOf(...users),
    third_party_invite: fc.oneof(
      fc.record({ signed: fc.record({ mxid: oneOf(...users), token: oneOf('token'), signatures: anyJson }) }),
      anyJson,
    ),
    public_key: oneOf('A'.repeat(43)),
    public_keys: anyJson,
    creator: oneOf(...users),
    additional_creators: fc.oneof(fc.array(oneOf(...users)), anyJson),
    room_version: oneOf('1', '12'),
    'm.federate': oneOf(true, false),
    users: levelMap,
    events: levelMap,
    notifications: levelMap,
    users_default: level,
    invite: level,
    ban: level,
  },
  { requiredKeys: [] },
)

const event = fc.record(
  {
    type: oneOf(
      'm.room.create',
      'm.room.member',
      'm.room.power_levels',
      'm.room.join_rules',
      'm.room.third_party_invite',
      'm.room.aliases',
      'm.room.redaction',
      'm.room.message',
    ),
    sender: oneOf(...users),
    state_key: oneOf('', 'token', 'a', ...users),
    room_id: oneOf('!room:a', '!event'),
    content: fc.oneof({ weight: 9, arbitrary: content }, { weight: 1, arbitrary: anyJson }),
    prev_events: fc.oneof(fc.array(oneOf('$event', ['$event', {}])), anyJson),
    auth_events: fc.oneof(fc.array(oneOf('$event', ['$event', {}])), anyJson),
    redacts: oneOf('$x:a'),
    depth: anyJson,
  },
  { requiredKeys: [] },
)
const roomEvent = event.map((pdu): RoomEvent => ({ eventId: '$event', pdu: pdu as unknown as Pdu }))

it('no JSON makes the authorisation rules throw', () => {
  fc.assert(
    fc.property(
      roomEvent,
      fc.array(fc.option(roomEvent), { minLength: 6 }),
      fc.constantFrom(...ALL),
      (judged, held, id) => {
        const version = versionOf(id)
        // Each look-up gives another event, whatever was asked for.
        let lookups = 0
        const lookup = () => held[lookups++ % held.length] ?? undefined
        authorize(judged, lookup, version)
        checkAuthEvents(judged, lookup, version)
        authTypesFor(judged.pdu, version)
      },
    ),
    { numRuns: 250 },
  )
})
