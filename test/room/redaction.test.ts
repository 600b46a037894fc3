import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import type { JsonObject } from '../../src/matrix/json.ts'
import { clientEvent } from '../../src/room/client-format.ts'
import { eventIdOf } from '../../src/room/hashes.ts'
import { redact } from '../../src/room/redaction.ts'
import { allVersions, sampleEvent, version } from '../support/event-samples.ts'

/** What is left of this content of such an event. */
const keptOf = (id: string, type: string, content: JsonObject): JsonObject =>
  redact(sampleEvent(version(id), { type, state_key: '', content }), version(id)).content

const keysKept = (id: string, type: string, keys: string[]): string[] =>
  Object.keys(keptOf(id, type, Object.fromEntries([...keys, 'other'].map((key) => [key, key]))))

describe('redaction', () => {
  it('keeps the fields that the specification lists, fewer of them from version 11 on', () => {
    const always = ['type', 'sender', 'room_id', 'content', 'depth', 'origin_server_ts', 'prev_events', 'auth_events']
    const kept = [...always, 'hashes', 'signatures', 'state_key', 'event_id']
    const former = ['origin', 'membership', 'prev_state']
    const dropped = ['unsigned', 'redacts', 'age_ts', '__proto__']
    for (const v of allVersions) {
      const extra = Object.fromEntries([...kept.slice(-2), ...former, ...dropped].map((key) => [key, 'x']))
      const fields = Object.keys(redact(sampleEvent(v, extra), v)).sort()
      expect(fields, v.id).toEqual([...kept, ...(Number(v.id) < 11 ? former : [])].sort())
    }
  })

  /** The keys of the content that are kept, and in which versions. */
  it.each([
    ['m.room.member', 'membership', 1, 12],
    ['m.room.member', 'join_authorised_via_users_server', 9, 12],
    ['m.room.create', 'creator', 1, 12],
    ['m.room.create', 'room_version', 11, 12],
    ['m.room.join_rules', 'join_rule', 1, 12],
    ['m.room.join_rules', 'allow', 8, 12],
    ['m.room.power_levels', 'ban', 1, 12],
    ['m.room.power_levels', 'events', 1, 12],
    ['m.room.power_levels', 'events_default', 1, 12],
    ['m.room.power_levels', 'kick', 1, 12],
    ['m.room.power_levels', 'redact', 1, 12],
    ['m.room.power_levels', 'state_default', 1, 12],
    ['m.room.power_levels', 'users', 1, 12],
    ['m.room.power_levels', 'users_default', 1, 12],
    ['m.room.power_levels', 'invite', 11, 12],
    ['m.room.power_levels', 'notifications', 0, 0],
    ['m.room.aliases', 'aliases', 1, 5],
    ['m.room.history_visibility', 'history_visibility', 1, 12],
    ['m.room.redaction', 'redacts', 11, 12],
    ['m.room.message', 'body', 0, 0],
    ['m.room.name', 'name', 0, 0],
    ['m.room.tombstone', 'replacement_room', 0, 0],
  ])('of %s keeps %s from version %i to %i', (type, key, first, last) => {
    for (const { id } of allVersions) {
      const isKept = Number(id) >= first && Number(id) <= last
      const others = type === 'm.room.create' && Number(id) >= 11 ? ['other'] : []
      expect(keysKept(id, type, [key]), id).toEqual([...(isKept ? [key] : []), ...others])
    }
  })

  it('keeps what the identity server signed of a third-party invite, from version 11 on', () => {
    const invite = { membership: 'invite', third_party_invite: { display_name: 'a', signed: { token: 'x' } } }
    expect(keptOf('10', 'm.room.member', invite)).toEqual({ membership: 'invite' })
    expect(keptOf('11', 'm.room.member', invite)).toEqual({
      membership: 'invite',
      third_party_invite: { signed: { token: 'x' } },
    })
    expect(keptOf('12', 'm.room.member', { third_party_invite: 'x' })).toEqual({})
  })

  it('changes nothing when repeated, and never the event itself, its id or its own text', () => {
    const types = fc.constantFrom('m.room.member', 'm.room.create', 'm.room.power_levels', 'm.room.aliases', 'x')
    const contents = fc.dictionary(
      fc.constantFrom('membership', 'users', 'third_party_invite', 'creator', '__proto__', 'aliases'),
      fc.jsonValue(),
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(fc.constantFrom(...allVersions), types, contents, (v, type, content) => {
        const event = sampleEvent(v, { type, content })
        const before = canonicalJson(event)
        const redacted = redact(event, v)
        expect(redact(redacted, v)).toEqual(redacted)
        expect(eventIdOf(redacted, v)).toBe(eventIdOf(event, v))
        expect(canonicalJson(event)).toBe(before)
      }),
    )
  })
})

describe('the client format', () => {
  it('has what clients may see, and neither room_id nor unsigned', () => {
    for (const v of allVersions) {
      const event = sampleEvent(v, { state_key: '', unsigned: { age: 1 }, origin: 'hs' })
      expect(clientEvent(event, '$id', v)).toEqual({
        type: 'm.room.message',
        sender: '@alice:hs',
        state_key: '',
        content: event.content,
        event_id: '$id',
        origin_server_ts: 1_000_000,
      })
    }
    expect(clientEvent(sampleEvent(version('12')), '$id', version('12'))).not.toHaveProperty('state_key')
  })

  it('has what a redaction redacts both in and beside the content', () => {
    const both = { redacts: '$target', content: { reason: 'spam', redacts: '$target' } }
    const type = 'm.room.redaction'
    const before11 = sampleEvent(version('10'), { type, redacts: '$target', content: { reason: 'spam' } })
    const since11 = sampleEvent(version('11'), { type, content: both.content })
    expect(clientEvent(before11, '$id', version('10'))).toMatchObject(both)
    expect(clientEvent(since11, '$id', version('11'))).toMatchObject(both)
    expect(before11.content).toEqual({ reason: 'spam' })
  })

  it('takes the target from where the version has it, and only there', () => {
    const fields = { type: 'm.room.redaction', redacts: '$beside', content: { redacts: '$in' } }
    for (const v of allVersions) {
      const target = Number(v.id) < 11 ? '$beside' : '$in'
      expect(clientEvent(sampleEvent(v, fields), '$id', v)).toMatchObject({
        redacts: target,
        content: { redacts: target },
      })
    }
    const redacted = redact(sampleEvent(version('10'), fields), version('10'))
    expect(clientEvent(redacted, '$id', version('10'))).not.toHaveProperty('redacts')
  })
})
