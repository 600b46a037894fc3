import { describe, expect, it } from 'vitest'
import { type Clause, NOTHING_REQUIRED, RequiredState } from '../../../src/services/sliding/required-state.ts'

const MEMBER = 'm.room.member'
const clause = (include: Clause['include'], more: Partial<Clause> = {}): RequiredState =>
  new RequiredState([{ include, exclude: [], lazyMembers: false, ...more }])

const ALL = clause([[null, null]])
const LAZY = clause([[null, null]], { lazyMembers: true })
const NAME = clause([['m.room.name', '']])

describe('Required state', () => {
  it('that is lazy wants no members but those that it names', () => {
    const withMe = clause(
      [
        [null, null],
        [MEMBER, '@me:a'],
      ],
      { lazyMembers: true },
    )
    expect([LAZY.matches(MEMBER, '@me:a'), withMe.matches(MEMBER, '@me:a'), LAZY.matches('m.room.name', '')]).toEqual([
      false,
      true,
      true,
    ])
    expect(withMe.places).toEqual([[MEMBER, '@me:a']])
  })

  it('adds up to all members where one rule wants all of them', () => {
    expect([LAZY.lazyMembers, LAZY.plus(NAME).lazyMembers, LAZY.plus(ALL).lazyMembers]).toEqual([true, true, false])
    expect(LAZY.plus(clause([[MEMBER, null]])).matches(MEMBER, '@a:a')).toBe(true)
  })

  it('excludes from its own rule alone', () => {
    const most = clause([[null, null]], { exclude: [['m.room.name', '']] })
    expect([most.matches('m.room.name', ''), most.matches('m.room.topic', '')]).toEqual([false, true])
    expect(most.plus(NAME).matches('m.room.name', '')).toBe(true)
  })

  it('knows whether it has what another one has, and does not grow by it', () => {
    const both = NAME.plus(LAZY)
    expect([both.covers(NAME), both.covers(LAZY), NAME.covers(both), NAME.covers(NOTHING_REQUIRED)]).toEqual([
      true,
      true,
      false,
      true,
    ])
    expect(both.plus(NAME)).toBe(both)
    expect(both.text).toBe(LAZY.plus(NAME).text)
  })

  it('forgets what was asked before rather than grow without end', () => {
    const many = (from: number) => clause(Array.from({ length: 600 }, (_, i) => ['t', `${from + i}`] as const))
    const second = many(600)
    expect(many(0).plus(second)).toBe(second)
  })
})
