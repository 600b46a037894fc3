/** Searching Korean names: by syllables, by initial consonants (초성), and while a syllable is still being typed. */

const FIRST = 0xac00
const LAST = 0xd7a3
/** Syllables with the same initial consonant stand together; so do those with the same initial and vowel. */
const PER_INITIAL = 588
const PER_VOWEL = 28

const INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ'
const PLAIN: Readonly<Record<string, string>> = { ㄲ: 'ㄱ', ㄸ: 'ㄷ', ㅃ: 'ㅂ', ㅆ: 'ㅅ', ㅉ: 'ㅈ' }
/** What a keyboard makes of two consonants in a row. */
const CLUSTERS: Readonly<Record<string, string>> = {
  ㄳ: 'ㄱㅅ',
  ㄵ: 'ㄴㅈ',
  ㄶ: 'ㄴㅎ',
  ㄺ: 'ㄹㄱ',
  ㄻ: 'ㄹㅁ',
  ㄼ: 'ㄹㅂ',
  ㄽ: 'ㄹㅅ',
  ㄾ: 'ㄹㅌ',
  ㄿ: 'ㄹㅍ',
  ㅀ: 'ㄹㅎ',
  ㅄ: 'ㅂㅅ',
}

const codeOf = (char: string): number => char.codePointAt(0) ?? 0

const isSyllable = (char: string): boolean => codeOf(char) >= FIRST && codeOf(char) <= LAST

/** Whether it is a consonant by itself, as one types for a syllable that begins with it. */
export const isInitial = (char: string): boolean => INITIALS.includes(char) && char !== ''

export const hasSyllable = (text: string): boolean => /[가-힣]/.test(text)

/** NFC, lower case, and one way to write consonants that stand alone. */
export const foldText = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\u1100-\u1112]/g, (char) => INITIALS.charAt(codeOf(char) - 0x1100))
    .replace(/[ㄳ-ㅄ]/g, (char) => CLUSTERS[char] ?? char)

/** Syllables as their initial consonants, doubled ones (ㄲ) as the plain one; everything else as it is. */
export const initialsOf = (text: string): string => Array.from(text, (char) => plain(initialOf(char) ?? char)).join('')

/** Whether a syllable is open, so that a final consonant may still follow: 도 on the way to 동. */
export const isOpen = (char: string): boolean => isSyllable(char) && (codeOf(char) - FIRST) % PER_VOWEL === 0

/** The character behind the last syllable that begins like this open one. */
export const afterOpen = (char: string): string => String.fromCodePoint(codeOf(char) + PER_VOWEL)

/**
 * Whether a typed character stands for this one: itself; an initial consonant for its syllables, a plain one for those
 * with the doubled one too; and, at the end of what was typed, an open syllable for those that add a final consonant.
 */
export function standsFor(typed: string, char: string, isLast: boolean): boolean {
  if (typed === char) return true
  if (isInitial(typed)) {
    const initial = initialOf(char) ?? char
    return typed === initial || typed === plain(initial)
  }
  return isLast && isOpen(typed) && char > typed && char < afterOpen(typed)
}

const initialOf = (char: string): string | undefined =>
  isSyllable(char) ? INITIALS.charAt(Math.floor((codeOf(char) - FIRST) / PER_INITIAL)) : undefined

const plain = (consonant: string): string => PLAIN[consonant] ?? consonant
