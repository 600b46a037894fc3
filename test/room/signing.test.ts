import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromBase64 } from '../../src/matrix/base64.ts'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import { isSigned } from '../../src/matrix/sign-json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import { VerifyKey } from '../../src/matrix/verify-key.ts'
import type { Pdu } from '../../src/room/event.ts'
import { essentialText, eventIdOf, hasOwnContent, referenceHash, roomIdOf } from '../../src/room/hashes.ts'
import { redact } from '../../src/room/redaction.ts'
import { requiredSigners } from '../../src/room/signers.ts'
import { isUnsigned, signEvent, signLate, unsignedEvent } from '../../src/room/signing.ts'
import { allVersions, memberEvent, sampleEvent, version } from '../support/event-samples.ts'

// Spec: appendices, Cryptographic Test Vectors.
const key = new SigningKey('1', fromBase64('YJDBA9Xnr2sVqXD9Vj7XVUnmFZcZrlw8Md7kMW+3XA1') ?? new Uint8Array())
const verifyKey = VerifyKey.from(key.publicKey)
const keys = new Map(verifyKey && [[key.keyId, verifyKey]])

describe('signing events', () => {
  it.each([
    [
      '{"room_id":"!x:domain","sender":"@a:domain","origin":"domain","origin_server_ts":1000000,"signatures":{},"hashes":{},"type":"X","content":{},"prev_events":[],"auth_events":[],"depth":3,"unsigned":{"age_ts":1000000}}',
      '5jM4wQpv6lnBo7CLIghJuHdW+s2CMBJPUOGOC89ncos',
      'KxwGjPSDEtvnFgU00fwFz+l6d2pJM6XBIaMEn81SXPTRl16AqLAYqfIReFGZlHi5KLjAWbOoMszkwsQma+lYAg',
    ],
    [
      '{"content":{"body":"Here is the message content"},"event_id":"$0:domain","origin":"domain","origin_server_ts":1000000,"type":"m.room.message","room_id":"!r:domain","sender":"@u:domain","signatures":{},"unsigned":{"age_ts":1000000}}',
      'onLKD1bGljeBWQhWZ1kaP9SorVmRQNdN5aM2JYU2n/g',
      'Wm+VzmOUOz08Ds+0NTWb1d4CZrVsJSikkeRxh6aCcUwu6pNC78FunoD7KNWzqFn241eYHYMGCA5McEiVPdhzBA',
    ],
  ])('makes the hashes and signatures of the specification', (source, sha256, signature) => {
    const event: Pdu = JSON.parse(source)
    const { pdu, json } = signEvent(event, version('1'), 'domain', key)
    expect(pdu).toEqual({ ...event, hashes: { sha256 }, signatures: { domain: { 'ed25519:1': signature } } })
    expect(json).toBe(canonicalJson(pdu))
  })

  describe.each(allVersions)('in version $id', (v) => {
    const { pdu, eventId, json } = signEvent(sampleEvent(v), v, 'hs', key)

    it('makes an event that passes every check', async () => {
      expect(json).toBe(canonicalJson(pdu))
      expect(hasOwnContent(pdu)).toBe(true)
      expect(eventIdOf(pdu, v)).toBe(eventId)
      expect(await isSigned(essentialText(pdu, v), pdu.signatures, 'hs', keys)).toBe(true)
    })

    it('is the same event when it is signed late, even after a redaction', async () => {
      const unsigned = unsignedEvent(sampleEvent(v), v)
      expect(unsigned.eventId).toBe(eventId)
      expect(unsigned.json).not.toContain(key.keyId)
      expect([isUnsigned(unsigned.pdu), isUnsigned(pdu)]).toEqual([true, false])
      expect(canonicalJson(signLate(unsigned.pdu, v, 'hs', key))).toBe(json)
      expect(signLate(redact(unsigned.pdu, v), v, 'hs', key)).toEqual(redact(pdu, v))
    })

    it('keeps id and signature when the event is redacted, but not its content hash', async () => {
      const redacted = redact(pdu, v)
      expect(eventIdOf(redacted, v)).toBe(eventId)
      expect(hasOwnContent(redacted)).toBe(false)
      expect(await isSigned(essentialText(redacted, v), redacted.signatures, 'hs', keys)).toBe(true)
    })

    it('names the event independently of key order, signatures and unsigned', () => {
      const fields = Object.keys(pdu)
      fc.assert(
        fc.property(fc.jsonValue(), fc.shuffledSubarray(fields, { minLength: fields.length }), (unsigned, order) => {
          const shuffled = Object.fromEntries(order.map((field) => [field, pdu[field]])) as Pdu
          const changed = { ...shuffled, unsigned, signatures: {} } as Pdu
          expect(eventIdOf(changed, v)).toBe(eventId)
          expect(hasOwnContent(changed)).toBe(true)
        }),
        { numRuns: 5 },
      )
    })

    it('lets no change of the content pass', () => {
      expect(hasOwnContent({ ...pdu, content: { ...pdu.content, body: 'other' } })).toBe(false)
      expect(hasOwnContent({ ...pdu, hashes: {} })).toBe(false)
      expect(hasOwnContent({ ...pdu, hashes: { sha256: '%' } })).toBe(false)
    })
  })

  it('keeps the signatures of other servers', () => {
    const event = sampleEvent(version('12'))
    const { pdu } = signEvent(event, version('12'), 'domain', key)
    expect(Object.keys(pdu.signatures ?? {})).toEqual(['hs', 'domain'])
    expect(event.signatures).toEqual({ hs: { 'ed25519:1': 'x' } })
  })
})

describe('ids', () => {
  it('are chosen in versions 1 and 2, and hashes in one of two alphabets later', () => {
    const event = (id: string) => sampleEvent(version(id))
    expect(eventIdOf(event('2'), version('2'))).toBe('$own:hs')
    expect(eventIdOf(event('3'), version('3'))).toBe(`$${referenceHash(event('3'), version('3'))}`)
    expect(referenceHash(event('4'), version('4'))).toMatch(/[+/]/)
    const urlSafe = referenceHash(event('4'), version('4')).replaceAll('+', '-').replaceAll('/', '_')
    expect(eventIdOf(event('4'), version('4'))).toBe(`$${urlSafe}`)
  })

  it('names the room of version 12 after its create event', () => {
    const create = sampleEvent(version('12'), { type: 'm.room.create', state_key: '' })
    delete create.room_id
    expect(roomIdOf(create, version('12'))).toBe(eventIdOf(create, version('12')).replace('$', '!'))
    expect(roomIdOf(sampleEvent(version('12')), version('12'))).toBe('!room:hs')
    expect(roomIdOf({ ...create, room_id: '!room:hs' }, version('11'))).toBe('!room:hs')
  })
})

describe('who must have signed', () => {
  const signers = (event: Pdu, id: string) => [...requiredSigners(event, version(id))]

  it("is the sender's server, and in versions 1 and 2 that of the event id too", () => {
    for (const v of allVersions) expect(signers(sampleEvent(v), v.id)).toEqual(['hs'])
    expect(signers(sampleEvent(version('2'), { event_id: '$x:other' }), '2')).toEqual(['hs', 'other'])
    expect(signers(sampleEvent(version('3'), { event_id: '$x:other' }), '3')).toEqual(['hs'])
  })

  it("is the authorising user's server for a join of a restricted room, from version 8 on", () => {
    const content = { membership: 'join', join_authorised_via_users_server: '@carol:other' }
    expect(signers(memberEvent(version('7'), content), '7')).toEqual(['hs'])
    expect(signers(memberEvent(version('8'), content), '8')).toEqual(['hs', 'other'])
    expect(signers(memberEvent(version('8'), { ...content, membership: 'leave' }), '8')).toEqual(['hs'])
    for (const authoriser of [1, null, 'carol']) {
      expect(
        signers(memberEvent(version('12'), { ...content, join_authorised_via_users_server: authoriser }), '12'),
      ).toEqual(['hs', ''])
    }
  })

  it('is nobody for an invite by e-mail or telephone number', () => {
    const content = { membership: 'invite', third_party_invite: { signed: {} } }
    expect(signers(memberEvent(version('12'), content), '12')).toEqual([])
    expect(signers(memberEvent(version('1'), content), '1')).toEqual(['hs'])
    expect(signers(memberEvent(version('12'), { ...content, membership: 'join' }), '12')).toEqual(['hs'])
    expect(signers(memberEvent(version('12'), { ...content, third_party_invite: null }), '12')).toEqual(['hs'])
  })
})
