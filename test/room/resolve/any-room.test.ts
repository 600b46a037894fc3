import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Need } from '../../../src/room/resolve/known.ts'
import { stateKeyOf } from '../../../src/room/state-key.ts'
import { resolveNaively } from '../../support/naive-resolve.ts'
import { anyForkedRoom } from '../../support/random-room.ts'
import { resolveInMemory } from '../../support/resolve-in-memory.ts'
import { RoomBuilder, type State } from '../../support/room-builder.ts'

const idsOf = (state: State) => [...state].map(([key, { eventId }]) => `${key} ${eventId}`).sort()

describe.each([['1'], ['2'], ['11'], ['12']])('Any forked room of version %s', (version) => {
  const anyRoom = anyForkedRoom([version])

  it('resolves to the same state in whichever order its forks come', () => {
    const shuffled = anyRoom.chain(({ room, tips }) =>
      fc.record({
        room: fc.constant(room),
        tips: fc.constant(tips),
        order: fc.shuffledSubarray(tips, { minLength: tips.length }),
      }),
    )
    fc.assert(
      fc.property(shuffled, ({ room, tips, order }) => {
        expect(idsOf(room.stateAfter(order))).toEqual(idsOf(room.stateAfter(tips)))
      }),
      { numRuns: 15 },
    )
  })

  it('resolves to the same state however often a fork is named', () => {
    fc.assert(
      fc.property(anyRoom, ({ room, tips }) => {
        expect(idsOf(room.stateAfter([...tips, ...tips]))).toEqual(idsOf(room.stateAfter(tips)))
      }),
      { numRuns: 6 },
    )
  })

  it('keeps what all forks agree on', () => {
    fc.assert(
      fc.property(anyRoom, ({ room, tips }) => {
        const states = tips.map((tip) => room.stateAfter([tip]))
        const resolved = room.resolve(states)
        for (const [key, event] of states[0] ?? []) {
          if (states.every((state) => state.get(key) === event)) expect(resolved.get(key)).toBe(event)
        }
      }),
      { numRuns: 6 },
    )
  })
})

describe.each([['2'], ['11'], ['12']])('Any states of version %s, however they came about', (version) => {
  /** The states of a room's forks with some entries lost, others of long ago, and some events rejected. */
  const anyStates = fc
    .record({
      forked: anyForkedRoom([version]),
      kept: fc.array(fc.nat(), { maxLength: 8 }),
      lost: fc.array(fc.nat(), { maxLength: 4 }),
      rejected: fc.array(fc.nat(), { maxLength: 2 }),
    })
    .map(({ forked: { room, tips }, kept, lost, rejected }) => {
      const states = tips.map((tip) => new Map(room.stateAfter([tip])))
      const state = (n: number) => states[n % states.length] ?? new Map()
      const event = (n: number) => room.events[1 + (n % (room.events.length - 1))] ?? room.createEvent
      for (const n of kept) state(n).set(stateKeyOf(event(n).pdu.type, event(n).pdu.state_key ?? ''), event(n))
      for (const n of lost) state(n).delete([...state(n).keys()][1 + (n % (state(n).size - 1))])
      for (const n of rejected) Object.assign(event(n), { rejected: true })
      return { room, states }
    })

  it('are resolved as by the words of the specification', () => {
    fc.assert(
      fc.property(anyStates, ({ room, states }) => {
        expect(idsOf(room.resolve(states))).toEqual(idsOf(resolveNaively(room, states)))
      }),
      { numRuns: 15 },
    )
  })
})

describe.each([['1'], ['2'], ['11'], ['12']])('A large room of version %s', (version) => {
  it('is not touched beyond what the conflict rests on', () => {
    const room = RoomBuilder.public(version)
    for (let i = 0; i < 200; i++) room.join(`@user${i}:hs2`)
    const fork = [room.last]
    const left = room.state('m.room.topic', '@alice:hs1', { topic: 'left' }, { after: fork })
    const right = room.member('@alice:hs1', '@user7:hs2', 'leave', { after: fork })
    const touched = new Set<number>()
    const onNeed = (need: Need) => {
      if (need.kind === 'nodes' || need.kind === 'events') for (const nid of need.nids) touched.add(nid)
      expect(need.kind).not.toBe('unconflicted')
    }
    const memory = { events: room.events, create: room.createEvent, version: room.version, onNeed }
    const resolved = resolveInMemory([room.stateAfter([left]), room.stateAfter([right])], memory)
    expect([...resolved.values()]).toContain(left)
    expect([...resolved.values()]).toContain(right)
    expect(touched.size).toBeLessThan(10)
  })
})
