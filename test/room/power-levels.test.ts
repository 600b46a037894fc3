import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/matrix/parse-json.ts'
import { isCreator, PowerLevels, parseLevel } from '../../src/room/power-levels.ts'
import { ALL, eventOf, versionOf } from '../support/auth-rules.ts'

const CREATE = eventOf({
  type: 'm.room.create',
  sender: '@alice:a',
  content: { creator: '@carol:c', additional_creators: ['@bob:b', 5] },
})

describe('A power level', () => {
  const inVersions = (value: unknown) => [1, 5, 6, 9, 10, 12].map((id) => parseLevel(value, versionOf(String(id))))

  it('is an integer in every version', () => {
    for (const level of [0, 50, -1, 2 ** 53 - 1]) expect(new Set(inVersions(level))).toEqual(new Set([level]))
    expect(Object.is(inVersions(-0)[0], 0)).toBe(true)
  })

  it('may be text up to version 9', () => {
    const u = undefined
    expect(inVersions('50')).toEqual([50, 50, 50, 50, u, u])
    expect(inVersions(' +0050\n')).toEqual([50, 50, 50, 50, u, u])
    expect(inVersions('-7')).toEqual([-7, -7, -7, -7, u, u])
    for (const text of ['', ' ', 'x', '5x', '0x10', '1e3', '1.0', '+ 5', '--5', '5 5', '1_000', '٥']) {
      expect(inVersions(text)).toEqual([u, u, u, u, u, u])
    }
  })

  it('may have a fraction, which is cut off, up to version 5', () => {
    const u = undefined
    expect(inVersions(50.99)).toEqual([50, 50, u, u, u, u])
    expect(inVersions(-50.99)).toEqual([-50, -50, u, u, u, u])
    expect(inVersions(parseJson('5.114698E4'))).toEqual([51146, 51146, u, u, u, u])
  })

  it('is exact beyond 2^53, up to version 5', () => {
    expect(inVersions(parseJson('9007199254740993')).slice(0, 3)).toEqual([
      9007199254740993n,
      9007199254740993n,
      undefined,
    ])
    expect(parseLevel('9007199254740993', versionOf('9'))).toBe(9007199254740993n)
  })

  it('is nothing else, and nothing that a double cannot hold', () => {
    for (const value of [
      null,
      true,
      [],
      {},
      [50],
      undefined,
      Number.NaN,
      Infinity,
      parseJson('1e400'),
      '9'.repeat(400),
    ]) {
      expect(new Set(inVersions(value))).toEqual(new Set([undefined]))
    }
  })
})

describe('The creator', () => {
  const creatorsIn = (id: string) =>
    ['@alice:a', '@bob:b', '@carol:c'].filter((user) => isCreator(user, CREATE, versionOf(id)))

  it('is who content says up to version 10, then the sender, since version 12 also who is added', () => {
    const expected = (id: string) =>
      Number(id) <= 10 ? ['@carol:c'] : id === '11' ? ['@alice:a'] : ['@alice:a', '@bob:b']
    expect(ALL.map(creatorsIn)).toEqual(ALL.map(expected))
  })

  it('has 100 without power levels, and infinite power since version 12', () => {
    const of = (id: string) => new PowerLevels(CREATE, undefined, versionOf(id))
    expect(of('10').userLevel('@carol:c')).toBe(100)
    expect(of('11').userLevel('@alice:a')).toBe(100)
    expect(of('11').userLevel('@bob:b')).toBe(0)
    expect(of('12').userLevel('@bob:b')).toBe(Number.POSITIVE_INFINITY)
  })

  it('has what the power levels say before version 12', () => {
    const levels = eventOf({ type: 'm.room.power_levels', content: { users_default: 5 } })
    expect(new PowerLevels(CREATE, levels, versionOf('11')).userLevel('@alice:a')).toBe(5)
    expect(new PowerLevels(CREATE, levels, versionOf('12')).userLevel('@alice:a')).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('The power levels of a room', () => {
  const levelsOf = (content: object, id = '12') =>
    new PowerLevels(CREATE, eventOf({ type: 'm.room.power_levels', content: { ...content } }), versionOf(id))

  it('have defaults', () => {
    const { ban, kick, redact, invite, usersDefault } = levelsOf({})
    expect({ ban, kick, redact, invite, usersDefault }).toEqual({
      ban: 50,
      kick: 50,
      redact: 50,
      invite: 0,
      usersDefault: 0,
    })
    expect(levelsOf({}).eventLevel('x', true)).toBe(50)
    expect(levelsOf({}).eventLevel('x', false)).toBe(0)
    expect(levelsOf({}).notificationLevel('room')).toBe(50)
  })

  it('without an event let everyone send messages, and those with 50 state', () => {
    const levels = new PowerLevels(CREATE, undefined, versionOf('11'))
    expect(levels.eventLevel('x', false)).toBe(0)
    expect(levels.eventLevel('x', true)).toBe(50)
  })

  it('are read from their event', () => {
    const levels = levelsOf({
      invite: 1,
      users_default: 2,
      events_default: 3,
      state_default: 4,
      events: { x: 5 },
      users: { '@dave:d': 6 },
      notifications: { room: 7 },
    })
    expect(levels.invite).toBe(1)
    expect(levels.userLevel('@erin:e')).toBe(2)
    expect(levels.eventLevel('y', false)).toBe(3)
    expect(levels.eventLevel('y', true)).toBe(4)
    expect(levels.eventLevel('x', true)).toBe(5)
    expect(levels.userLevel('@dave:d')).toBe(6)
    expect(levels.notificationLevel('room')).toBe(7)
  })

  it('count what is no level as absent, and what objects inherit', () => {
    const levels = levelsOf({ ban: 'x', events: { x: null }, users: [], notifications: 5 })
    expect(levels.ban).toBe(50)
    expect(levels.eventLevel('x', true)).toBe(50)
    expect(levels.userLevel('constructor')).toBe(0)
    expect(levels.notificationLevel('room')).toBe(50)
  })
})
