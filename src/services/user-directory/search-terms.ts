import { localpartOf } from '../../matrix/ids.ts'
import { afterOpen, foldText, hasSyllable, initialsOf, isInitial, isOpen, standsFor } from '../../util/hangul.ts'

/** What of a user can be searched for. */
export interface Person {
  readonly userId: string
  readonly displayName: string | undefined
  /** Department, position, extension. */
  readonly details?: string | undefined
}

const MAX_WORDS = 16
const MAX_TERMS = 64
/** Longer words are found by their beginning and then compared in full. */
const MAX_CHARS = 12
/** Sorts behind every text that begins like the one before it. */
const BEHIND = '\u{10ffff}'

/** The words of a person's name, id and details, folded. Names may be written without the space between family and given name. */
function wordsOf({ userId, displayName, details }: Person): string[] {
  const name = split(displayName ?? '')
  const joined = name.length > 1 && name.some(hasSyllable) ? [name.join('')] : []
  return [...new Set([...name, ...joined, ...split(localpartOf(userId)), ...split(details ?? '')])].slice(0, MAX_WORDS)
}

const split = (text: string): string[] => foldText(text).match(/[\p{L}\p{N}\p{M}]+/gu) ?? []

/**
 * The index entries of a person: a word can be found from its beginning, and a Korean one from any of its syllables,
 * as they are and by initial consonants.
 */
export function indexTerms(person: Person): Set<string> {
  const terms = new Set<string>()
  for (const word of wordsOf(person)) {
    const chars = Array.from(word)
    const starts = hasSyllable(word) ? Math.min(chars.length, MAX_CHARS) : 1
    for (let start = 0; start < starts; start++) {
      const tail = chars.slice(start, start + MAX_CHARS).join('')
      if (terms.size >= MAX_TERMS) return terms
      terms.add(tail)
      terms.add(initialsOf(tail))
    }
  }
  return terms
}

/** What somebody searches for. */
export interface Query {
  readonly words: readonly string[]
  /** Index entries of the most telling word, from `from` up to but not including `to`. */
  readonly from: string
  readonly to: string
}

/** `undefined` when there is nothing to search for. Of a user id, the part before the colon counts. */
export function parseQuery(text: string): Query | undefined {
  const trimmed = text.trim()
  const words = split(trimmed.startsWith('@') ? trimmed.replace(/:.*$/, '') : trimmed).slice(0, MAX_WORDS)
  const [longest] = words.toSorted((a, b) => weightOf(b) - weightOf(a))
  return longest === undefined ? undefined : { words, ...rangeOf(longest) }
}

/** A consonant leaves far more open than a syllable. */
const weightOf = (word: string): number => Array.from(word).reduce((sum, char) => sum + (isInitial(char) ? 1 : 3), 0)

function rangeOf(word: string): { from: string; to: string } {
  const chars = Array.from(word).slice(0, MAX_CHARS)
  if (chars.some(isInitial)) {
    const from = initialsOf(chars.join(''))
    return { from, to: from + BEHIND }
  }
  const from = chars.join('')
  const last = chars.at(-1) ?? ''
  const to = isOpen(last) ? chars.slice(0, -1).join('') + afterOpen(last) : from + BEHIND
  return { from, to }
}

/** Whether every word of the query is found in the person's name or id. */
export function matches(query: Query, person: Person): boolean {
  const words = wordsOf(person).map((word) => Array.from(word))
  return query.words.every((typed) => words.some((word) => isFoundIn(Array.from(typed), word)))
}

/**
 * How well a person that matches fits what was typed; less is better: the name itself, its beginning, a part of it, the
 * name by initial consonants or with its words in another order, and last what is found by id, department or extension.
 */
export function rankOf(query: Query, { userId, displayName }: Person): number {
  const typed = query.words.join('')
  const name = split(displayName ?? '').join('')
  if (name === typed) return 0
  if (name.startsWith(typed)) return 1
  if (name.includes(typed)) return 2
  return matches(query, { userId: userId.replace(/^[^:]*/, '@'), displayName }) ? 3 : 4
}

function isFoundIn(typed: readonly string[], word: readonly string[]): boolean {
  const starts = hasSyllable(word.join('')) ? word.length - typed.length : 0
  for (let start = 0; start <= starts; start++) {
    if (typed.every((char, i) => standsFor(char, word[start + i] ?? '', i === typed.length - 1))) return true
  }
  return false
}
