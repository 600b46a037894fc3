import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../../src/matrix/json.ts'
import { parseJson } from '../../../src/matrix/parse-json.ts'
import type { Pdu, Verdict } from '../../../src/room/event.ts'
import { ALL, eventOf, LEVELS, since, until, verdictOn } from '../../support/auth-rules.ts'

const levels = (content: JsonObject, sender = '@mod:a'): Partial<Pdu> => ({
  type: 'm.room.power_levels',
  sender,
  state_key: '',
  content,
})

/** What each version says when the moderator (50) or somebody else changes the room's levels. */
function verdicts(before: JsonObject | null, after: JsonObject, sender = '@mod:a', versions = ALL): Verdict[] {
  return versions.map((id) => {
    // Before version 12 the creator's level stands in the event and stays there.
    const users = { '@alice:a': 100, ...(after.users as JsonObject | undefined) }
    const content = Number(id) < 12 && before !== null ? { ...after, users } : after
    return verdictOn(eventOf(levels(content, sender)), { levels: before }, id)
  })
}
const every = (verdict: Verdict, versions = ALL) => versions.map(() => verdict)
/** Nobody has set any levels yet, and the creator does. */
const firstLevels = (content: JsonObject, versions = ALL) => verdicts(null, content, '@alice:a', versions)

const base: JsonObject = { state_default: 50, users: { '@mod:a': 50 } }
const change = (more: JsonObject): JsonObject => ({ ...base, ...more })

describe('Rules 10.1 to 10.4: what power levels look like', () => {
  const NAMED = ['users_default', 'events_default', 'state_default', 'ban', 'redact', 'kick', 'invite']

  it.each(NAMED)('10.1, since version 10: %s is an integer', (key) => {
    for (const value of ['50', null, [], {}, true, 1.5, Number.NaN]) {
      const verdict = `The power level '${key}' is no integer`
      expect(firstLevels({ [key]: value as Json }, since(10))).toEqual(every(verdict, since(10)))
    }
    expect(firstLevels({ [key]: 50 })).toEqual(every(undefined))
    expect(firstLevels({ [key]: '50' }, until(9))).toEqual(every(undefined, until(9)))
  })

  it.each(['events', 'notifications'])('10.2, since version 10: %s is a map of integers', (key) => {
    for (const value of [null, [], 'x', 5, { room: '50' }, { room: null }, { room: 1.5 }]) {
      const verdict = `The power levels '${key}' are no map of integers`
      expect(firstLevels({ [key]: value as Json }, since(10))).toEqual(every(verdict, since(10)))
    }
    expect(firstLevels({ [key]: { room: 50 } })).toEqual(every(undefined))
    expect(firstLevels({ [key]: { room: '50' } }, until(9))).toEqual(every(undefined, until(9)))
  })

  it('10.3: users is a map', () => {
    for (const users of [null, [], 'x', 5]) {
      expect(firstLevels({ users: users as Json })).toEqual(every("The power levels 'users' are no map"))
    }
    expect(firstLevels({})).toEqual(every(undefined))
  })

  it('10.3: its keys are user ids', () => {
    for (const key of ['', 'bob', '@bob', 'bob:b', '@bob:', `@${'b'.repeat(255)}:b`, '__proto__']) {
      const users = JSON.parse(`{${JSON.stringify(key)}: 1}`)
      expect(firstLevels({ users })).toEqual(every('The power levels name someone who is no user'))
    }
  })

  it('10.3: its values are integers; up to version 9 in text, up to version 5 with a fraction', () => {
    const verdict = 'The power level of a user is no integer'
    for (const level of [null, {}, [], true, 'ten', '1.5', '0x10', '', '1e3']) {
      expect(firstLevels({ users: { '@bob:b': level as Json } })).toEqual(every(verdict))
    }
    for (const level of ['50', ' +050 ', '-1']) {
      const expected = ALL.map((id) => (Number(id) < 10 ? undefined : verdict))
      expect(firstLevels({ users: { '@bob:b': level } })).toEqual(expected)
    }
    const expected = ALL.map((id) => (Number(id) < 6 ? undefined : verdict))
    expect(firstLevels({ users: { '@bob:b': 50.57 } })).toEqual(expected)
    expect(firstLevels({ users: { '@bob:b': parseJson('50.0') as Json } })).toEqual(expected)
  })

  it('up to version 5 a number that no double holds refuses the event, wherever it stands', () => {
    const huge = parseJson('1e400') as Json
    for (const content of [
      { ban: huge },
      { events: { x: huge } },
      { notifications: { x: huge } },
      { users: { '@bob:b': huge } },
    ]) {
      expect(firstLevels(content, until(5))).not.toContain(undefined)
    }
  })

  it('10.4, since version 12: creators are not in it', () => {
    const create = { additional_creators: ['@bob:b'] }
    for (const creator of ['@alice:a', '@bob:b']) {
      const event = eventOf(levels({ users: { [creator]: 100 } }, '@alice:a'))
      expect(verdictOn(event, { create, levels: null }, '12')).toBe('Creators have no power level of their own')
      expect(verdictOn(event, { create, levels: null }, '11')).toBeUndefined()
    }
  })

  it('10.5: the first levels are allowed whatever they say', () => {
    const anything = { ban: 1000, events: { x: 1000 }, users: { '@bob:b': 1000 } }
    expect(firstLevels(anything)).toEqual(every(undefined))
  })
})

describe('Rule 10.6: single levels', () => {
  const refused = "The sender may not change the power level 'ban'"

  it('are changed, added and removed by who has as much power', () => {
    expect(verdicts(change({ ban: 50 }), change({ ban: 40 }))).toEqual(every(undefined))
    expect(verdicts(base, change({ ban: 50 }))).toEqual(every(undefined))
    expect(verdicts(change({ ban: 50 }), base)).toEqual(every(undefined))
  })

  it('10.6.1: cannot be lowered or removed from above', () => {
    expect(verdicts(change({ ban: 51 }), change({ ban: 40 }))).toEqual(every(refused))
    expect(verdicts(change({ ban: 51 }), base)).toEqual(every(refused))
  })

  it('10.6.2: cannot be raised above the sender', () => {
    expect(verdicts(change({ ban: 50 }), change({ ban: 51 }))).toEqual(every(refused))
    expect(verdicts(base, change({ ban: 51 }))).toEqual(every(refused))
  })

  it('stay untouched beside a change', () => {
    expect(verdicts(change({ ban: 99, kick: 50 }), change({ ban: 99, kick: 40 }))).toEqual(every(undefined))
  })

  it('are compared by value: the same level in another spelling is no change', () => {
    expect(verdicts(change({ ban: 99 }), change({ ban: ' 99' }), '@mod:a', until(9))).toEqual(
      every(undefined, until(9)),
    )
  })

  it('up to version 9 what is no level cannot be set', () => {
    expect(verdicts(base, change({ ban: 'many' }), '@mod:a', until(9))).toEqual(every(refused, until(9)))
  })

  it.each(['users_default', 'events_default', 'state_default', 'redact', 'kick', 'invite'])(
    '%s is one of them',
    (key) => {
      const verdict = `The sender may not change the power level '${key}'`
      expect(verdicts(base, change({ [key]: 51 }))).toEqual(every(verdict))
    },
  )

  it('a creator of version 12 has infinite power', () => {
    expect(verdicts(change({ ban: 1000 }), change({ ban: 2 ** 53 - 1 }), '@alice:a', ['12'])).toEqual([undefined])
    expect(verdicts(change({ ban: 1000 }), change({ ban: 1 }), '@alice:a', ['11'])).toEqual([refused])
  })
})

describe.each([
  ['events', 1],
  ['notifications', 6],
])('Rules 10.7 and 10.8: entries of %s, since version %i', (key, first) => {
  const refused = "The sender may not change the power level of 'room'"
  const map = (entries: JsonObject) => change({ [key]: entries })
  const expected = ALL.map((id) => (Number(id) < first ? undefined : refused))

  it('are changed, added and removed by who has as much power', () => {
    expect(verdicts(map({ room: 50 }), map({ room: 10 }))).toEqual(every(undefined))
    expect(verdicts(base, map({ room: 50 }))).toEqual(every(undefined))
    expect(verdicts(map({ room: 50 }), base)).toEqual(every(undefined))
    expect(verdicts(map({ other: 99 }), map({ other: 99, room: 50 }))).toEqual(every(undefined))
  })

  it('10.7.1: cannot be changed or removed from above', () => {
    expect(verdicts(map({ room: 51 }), map({ room: 50 }))).toEqual(expected)
    expect(verdicts(map({ room: 51 }), map({}))).toEqual(expected)
    expect(verdicts(map({ room: 51 }), base)).toEqual(expected)
  })

  it('10.8.1: cannot be set above the sender', () => {
    expect(verdicts(map({ room: 50 }), map({ room: 51 }))).toEqual(expected)
    expect(verdicts(base, map({ room: 51 }))).toEqual(expected)
  })
})

describe('Rules 10.9 and 10.10: users', () => {
  const EQUAL = 'The sender may not change the power level of an equal'
  const MORE = 'The sender may not give more power than they have'
  const users = (entries: JsonObject) => change({ users: { '@mod:a': 50, ...entries } })

  it('are given, changed and taken power below the sender’s', () => {
    expect(verdicts(base, users({ '@bob:b': 50 }))).toEqual(every(undefined))
    expect(verdicts(users({ '@bob:b': 49 }), users({ '@bob:b': 10 }))).toEqual(every(undefined))
    expect(verdicts(users({ '@bob:b': 49 }), base)).toEqual(every(undefined))
  })

  it('10.9.1: an equal cannot be changed or removed', () => {
    expect(verdicts(users({ '@bob:b': 50 }), users({ '@bob:b': 49 }))).toEqual(every(EQUAL))
    expect(verdicts(users({ '@bob:b': 50 }), base)).toEqual(every(EQUAL))
    expect(verdicts(users({ '@bob:b': 51 }), users({ '@bob:b': 50 }))).toEqual(every(EQUAL))
  })

  it('10.9: everyone may lower or drop their own power', () => {
    expect(verdicts(base, users({ '@mod:a': 10 }))).toEqual(every(undefined))
    expect(verdicts(base, change({ users: {} }))).toEqual(every(undefined))
  })

  it('10.10.1: nobody gives more than they have, themselves included', () => {
    expect(verdicts(base, users({ '@bob:b': 51 }))).toEqual(every(MORE))
    expect(verdicts(base, users({ '@mod:a': 51 }))).toEqual(every(MORE))
  })

  it('in versions before 6 levels beyond 2^53 are compared exactly', () => {
    const level = (digits: string) =>
      users({ '@mod:a': parseJson(digits) as Json, '@bob:b': parseJson('9007199254740994') as Json })
    expect(
      verdicts(
        level('9007199254740995'),
        { ...level('9007199254740995'), ban: parseJson('9007199254740995') as Json },
        '@mod:a',
        until(5),
      ),
    ).toEqual(every(undefined, until(5)))
    expect(
      verdicts(
        level('9007199254740995'),
        { ...level('9007199254740995'), ban: parseJson('9007199254740996') as Json },
        '@mod:a',
        until(5),
      ),
    ).not.toContain(undefined)
  })
})

it('the room used by the other tests accepts its own levels again', () => {
  expect(verdicts(LEVELS, LEVELS, '@mod:a')).toEqual(every(undefined))
})
