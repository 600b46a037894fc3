import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeRooms,
  encodeRooms,
  LIVE,
  type SentRoom,
  type SentRooms,
  StateDraft,
} from '../../../src/services/sliding/connection.ts'
import { RequiredState } from '../../../src/services/sliding/required-state.ts'

const pattern = fc.tuple(fc.option(fc.string()), fc.option(fc.string()))
const required = fc
  .array(fc.record({ include: fc.array(pattern), exclude: fc.array(pattern), lazyMembers: fc.boolean() }))
  .map((clauses) => new RequiredState(clauses))
const told = fc.oneof(fc.constant(LIVE), fc.nat(), fc.constant(undefined))
const sent: fc.Arbitrary<SentRoom> = fc.record({
  room: told,
  receipts: told,
  accountData: told,
  timelineLimit: fc.nat(200),
  required,
  isDm: fc.boolean(),
})
const rooms: fc.Arbitrary<SentRooms> = fc.array(fc.tuple(fc.nat(), sent)).map((entries) => new Map(entries))

const plain = (state: SentRooms) =>
  [...state].map(([nid, room]) => [nid, { ...room, required: room.required.text }] as const)

describe('The state of a connection', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(rooms, (state) => {
        expect(plain(decodeRooms(encodeRooms(state)))).toEqual(plain(state))
      }),
    )
  })

  it('stays the same object until something in it changes', () => {
    fc.assert(
      fc.property(rooms, sent, (before, room) => {
        const draft = new StateDraft(before)
        for (const [nid, known] of before) draft.set(nid, { ...known })
        draft.delete(-1)
        expect(draft.rooms).toBe(before)
        draft.set(-1, room)
        expect(draft.rooms.get(-1)).toBe(room)
        expect(before.has(-1)).toBe(false)
      }),
    )
  })
})
