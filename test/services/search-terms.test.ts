import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { indexTerms, matches, type Person, parseQuery } from '../../src/services/user-directory/search-terms.ts'

/** Whether the index leads to the person and the comparison confirms it: a search needs both. */
function isFound(typed: string, person: Person): boolean {
  const query = parseQuery(typed)
  if (!query) return false
  const isIndexed = [...indexTerms(person)].some((term) => term >= query.from && term < query.to)
  const isMatch = matches(query, person)
  if (isMatch) expect(isIndexed, `${typed} is in the index`).toBe(true)
  return isIndexed && isMatch
}

const hong: Person = { userId: '@gildong.hong:example.org', displayName: '홍길동' }
const kkachi: Person = { userId: '@u7:example.org', displayName: '까치 (기획조정실)' }
const alice: Person = { userId: '@user-1-alice:hs1', displayName: 'Alice Cooper' }

describe('searching for people', () => {
  it.each([
    '홍길동',
    '홍',
    '홍길',
    '길동',
    '동',
    'ㅎㄱㄷ',
    '홍ㄱㄷ',
    'ㅎ길동',
    'ㄱㄷ',
    'ㅎ',
    '홍기',
    '홍길도',
    '홍 길동',
  ])('finds 홍길동 by %s', (typed) => {
    expect(isFound(typed, hong)).toBe(true)
    expect(isFound(typed.normalize('NFD'), hong)).toBe(true)
  })

  it.each(['홍동', '길홍', 'ㄷㄱ', '홍ㄷ', '고', 'ong'])('does not find 홍길동 by %s', (typed) => {
    expect(isFound(typed, hong)).toBe(false)
  })

  it('finds by id, by each part of it, in any case', () => {
    for (const typed of ['gildong', 'HONG', 'gildong.hong', '@gildong.hong', '@gildong.hong:example.org']) {
      expect(isFound(typed, hong)).toBe(true)
    }
    for (const typed of ['@user', '@user-1-alice:hs1', 'alice', 'Alice Cooper', 'coop', 'cooper ali']) {
      expect(isFound(typed, alice)).toBe(true)
    }
    for (const typed of ['lice', 'alice springs', 'hs1', '@user-2']) expect(isFound(typed, alice)).toBe(false)
  })

  it('takes a plain consonant for the doubled one, and brackets for spaces', () => {
    for (const typed of ['ㄱㅊ', 'ㄲㅊ', '까치', '기획', '조정실', 'ㄱㅎㅈ']) expect(isFound(typed, kkachi)).toBe(true)
  })

  it('finds a name with a space by the name without one', () => {
    expect(isFound('홍길동', { userId: '@a:b', displayName: '홍 길동' })).toBe(true)
  })

  it('finds nothing where nothing is asked for', () => {
    for (const typed of ['', '  ', '@', '()', ':']) expect(parseQuery(typed)).toBeUndefined()
  })

  it('finds everybody by the whole name and by its initial consonants, whatever the name', () => {
    const syllable = fc.integer({ min: 0xac00, max: 0xd7a3 }).map((code) => String.fromCodePoint(code))
    const name = fc.array(syllable, { minLength: 1, maxLength: 20 }).map((syllables) => syllables.join(''))
    fc.assert(
      fc.property(name, (displayName) => {
        expect(isFound(displayName, { userId: '@x:y', displayName })).toBe(true)
      }),
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (displayName) => {
        isFound(displayName, { userId: '@x:y', displayName })
        expect(indexTerms({ userId: '@x:y', displayName }).size).toBeLessThanOrEqual(64)
      }),
    )
  })
})
