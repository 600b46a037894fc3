import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Phrase, parseSearchTerm, textTokens } from '../../src/util/search-tokens.ts'

/** What a database does with the tokens: whether one of the phrases stands in the text. */
function has(tokens: readonly string[], { tokens: phrase, isPrefix }: Phrase): boolean {
  return tokens.some((_, start) =>
    phrase.every((token, index) => {
      const found = tokens[start + index]
      return isPrefix && index === phrase.length - 1 ? found?.startsWith(token) : found === token
    }),
  )
}
const finds = (typed: string, text: string): boolean => {
  const { words } = parseSearchTerm(typed)
  const tokens = textTokens(text)
  return words.length > 0 && words.every((phrases) => phrases.some((phrase) => has(tokens, phrase)))
}

describe('finding texts', () => {
  it.each([
    ['예산', '예산안검토'],
    ['산안', '예산안검토'],
    ['검토', '예산안검토를 부탁'],
    ['예', '예산안검토'],
    ['토', '예산안검토'],
    ['안검토', '예산안검토'],
    ['예산안검토', '예산안 검토'],
    ['회의자료', '2026_회의자료-최종.hwp'],
    ['2026', '2026_회의자료.hwp'],
    ['자료.hwp', '2026_회의자료.hwp'],
    ['2024년', '2024년도 예산'],
    ['a4용지', 'A4 용지'],
    ['ＡＢＣ', 'abc def'],
    ['漢字', '이것은漢字다'],
    ['東京', '東京都に行く'],
    ['일정 회의', '회의 일정'],
  ])('finds %s in %s', (typed, text) => {
    expect(finds(typed, text)).toBe(true)
    expect(finds(typed.normalize('NFD'), text)).toBe(true)
    expect(finds(typed, text.normalize('NFD'))).toBe(true)
  })

  it.each([
    ['의사', '회의 사진'],
    ['산예', '예산안'],
    ['meet', 'meeting'],
    ['art', 'party'],
    ['예산안검토', '예산안, 검토'],
    ['회의 보고', '회의 일정'],
    ['', '무엇'],
    ['?!', '무엇?!'],
  ])('does not find %s in %s', (typed, text) => {
    expect(finds(typed, text)).toBe(false)
  })

  it('finds every part of a Korean word, and nothing that is no part of it', () => {
    const syllable = fc.constantFrom(...'가나다라마바사')
    const word = (maxLength: number) => fc.array(syllable, { minLength: 1, maxLength }).map((chars) => chars.join(''))
    fc.assert(
      fc.property(word(12), word(5), (text, typed) => {
        expect(finds(typed, text)).toBe(text.includes(typed))
      }),
    )
  })

  it('takes any text, in bounds', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        // Radicals of Chinese characters are no letters, but words are written with them.
        for (const token of textTokens(text)) expect(token).toMatch(/^[\p{L}\p{M}\p{N}\p{Script=Han}ー·]+$/u)
        expect(parseSearchTerm(text).words.length).toBeLessThanOrEqual(16)
      }),
    )
    expect(textTokens('가'.repeat(100_000)).length).toBe(4_000)
  })
})
