import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import { parseJson } from '../../src/matrix/parse-json.ts'
import { depthOf, type Pdu, readPdu } from '../../src/room/event.ts'
import { checkFormat } from '../../src/room/format.ts'
import { allVersions, sampleEvent, version } from '../support/event-samples.ts'

describe.each(allVersions)('the format of events in version $id', (v) => {
  const check = (fields: { [key: string]: unknown }) => checkFormat(sampleEvent(v, fields), v)

  it('takes a well-formed event', () => {
    expect(check({})).toBeUndefined()
    expect(check({ state_key: '', unsigned: { age: 1 }, extra: null })).toBeUndefined()
  })

  it.each([
    ['type', [undefined, 1, null]],
    ['sender', [undefined, 1, 'alice:hs', '@alice', '@alice:', '@alice:h s']],
    ['state_key', [1, null]],
    ['content', [undefined, null, [], 'x']],
    ['origin_server_ts', [undefined, '1', null]],
    ['depth', [undefined, '1', -1]],
    ['hashes', [undefined, {}, [], { sha256: 1 }]],
    ['signatures', [undefined, [], { hs: 'x' }, { hs: { 'ed25519:1': 1 } }]],
    ['room_id', [undefined, 1, 'room', '#room:hs']],
    ['prev_events', [undefined, {}, [1], [null], ['x'], [['$a:hs']], [[]]]],
    ['auth_events', [undefined, {}, [1], [['$a:hs', 1]]]],
  ])('refuses a wrong %s', (field, values) => {
    for (const value of values) expect(check({ [field]: value }), String(value)).toContain(field)
  })

  it('refuses more than 20 previous and more than 10 authorisation events', () => {
    const references = (count: number) => Array(count).fill(sampleEvent(v).prev_events[0])
    expect(check({ prev_events: references(20), auth_events: references(10) })).toBeUndefined()
    expect(check({ prev_events: references(21) })).toContain('prev_events')
    expect(check({ auth_events: references(11) })).toContain('auth_events')
  })

  it('refuses more than 65,536 bytes of canonical JSON', () => {
    const filled = (bytes: number) => {
      const empty = sampleEvent(v, { content: { body: '' } })
      const room = bytes - Buffer.byteLength(canonicalJson(empty))
      return sampleEvent(v, { content: { body: '가'.repeat(Math.floor(room / 3)) + 'x'.repeat(room % 3) } })
    }
    expect(checkFormat(filled(65_536), v)).toBeUndefined()
    expect(checkFormat(filled(65_537), v)).toContain('larger')
  })

  it('refuses an id of more than 255 bytes, or one with a NUL', () => {
    for (const field of ['type', 'state_key']) {
      expect(check({ [field]: 'x'.repeat(255) })).toBeUndefined()
      expect(check({ [field]: 'x'.repeat(256) })).toContain(`${field} is longer`)
      expect(check({ [field]: '가'.repeat(86) })).toContain(`${field} is longer`)
      expect(check({ [field]: 'a\u0000' })).toContain(`${field} has a NUL`)
    }
    expect(check({ sender: `@${'x'.repeat(252)}:hs` })).toContain('sender is longer')
    expect(check({ room_id: `!${'x'.repeat(255)}` })).toContain('room_id is longer')
  })

  it('counts code points instead for events of other servers, up to version 10', () => {
    const event = sampleEvent(v, { state_key: '💥'.repeat(70) })
    expect(checkFormat(event, v)).toContain('bytes')
    expect(checkFormat(event, v, { isRemote: true }) === undefined).toBe(Number(v.id) <= 10)
    expect(checkFormat(sampleEvent(v, { state_key: '💥'.repeat(256) }), v, { isRemote: true })).toContain('longer')
  })

  it('refuses unpaired surrogates and deep nesting', () => {
    expect(check({ content: { body: '\ud800' } })).toContain('surrogate')
    expect(check({ content: { a: JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) } })).toContain('deep')
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(sampleEvent(v))), (value, field) => {
        checkFormat(value, v)
        check({ [field]: value })
      }),
      { numRuns: 30 },
    )
  })
})

describe('what differs between versions', () => {
  const parsed = (id: string, field: string) =>
    parseJson(canonicalJson(sampleEvent(version(id))).replace('"depth":3', `"depth":${field}`))

  it('leaves numbers that canonical JSON forbids to versions 1 to 5', () => {
    for (const v of allVersions) {
      const isLoose = Number(v.id) <= 5
      for (const source of ['1.0', '1e3', '-0', '9007199254740992']) {
        const event = parseJson(canonicalJson(sampleEvent(v)).replace('"msgtype"', `"n":${source},"msgtype"`))
        expect(checkFormat(event, v) === undefined, `${source} in ${v.id}`).toBe(isLoose)
      }
    }
  })

  it('lets the depth go to 2^63 - 1 before version 6', () => {
    expect(checkFormat(parsed('5', '9223372036854775807'), version('5'))).toBeUndefined()
    expect(checkFormat(parsed('5', '9223372036854775808'), version('5'))).toContain('depth')
    expect(checkFormat(parsed('5', '3.0'), version('5'))).toContain('depth')
    expect(checkFormat(parsed('6', '9223372036854775807'), version('6'))).toBeDefined()
    expect(depthOf(parsed('5', '9223372036854775807') as Pdu)).toBe(Number.MAX_SAFE_INTEGER)
  })

  it('asks for an event id in versions 1 and 2', () => {
    expect(checkFormat(sampleEvent(version('1'), { event_id: undefined }), version('1'))).toContain('event_id')
    expect(checkFormat(sampleEvent(version('2'), { event_id: '$x' }), version('2'))).toContain('event_id')
  })

  it('lets the create event of version 12 name no room', () => {
    const create = { type: 'm.room.create', state_key: '', room_id: undefined }
    expect(checkFormat(sampleEvent(version('12'), create), version('12'))).toBeUndefined()
    expect(checkFormat(sampleEvent(version('11'), create), version('11'))).toContain('room_id')
    expect(checkFormat(sampleEvent(version('12'), { ...create, state_key: 'x' }), version('12'))).toContain('room_id')
  })

  it('reads a stored event back to the same text', () => {
    const json = canonicalJson(sampleEvent(version('5'))).replace('"depth":3', '"a":1.0,"depth":9223372036854775807')
    const pdu = readPdu(json, version('5'))
    expect(canonicalJson(pdu)).toBe(canonicalJson(parseJson(json)))
    expect(JSON.stringify({ content: pdu.a })).toBe('{"content":1.0}')
  })
})
