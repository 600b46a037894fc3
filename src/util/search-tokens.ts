/**
 * By what a text is found, the same on every database. Words of scripts that put spaces between words, and numbers, are
 * found as a whole; runs of Korean, Chinese and Japanese by every two characters that stand together, so that a word is
 * found inside of another (검토 and 산안 in 예산안검토), with whatever particle behind it, and by a single syllable.
 */

const RUN = '\\p{Script=Hangul}\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}ー'
/** A run, a number or a word: 2024년 is two of them, and so is v12. */
const PIECE = new RegExp(`[${RUN}]+|\\p{N}+|(?:(?![${RUN}])[\\p{L}\\p{M}])+`, 'gu')
const IS_RUN = new RegExp(`^[${RUN}]`, 'u')
/** Joins two characters that only blanks part. It is in no word, and no database takes it for a separator. */
const GAP = '·'

/** Longer texts are found by their beginning. */
const MAX_CHARS = 20_000
const MAX_TOKENS = 4_000
const MAX_WORD = 64
/** Words of a search; what comes after them is not looked for. */
const MAX_WORDS = 16
/** Longer runs are looked for as they are, not with a space inside. */
const MAX_SPLIT = 12

interface Piece {
  readonly text: string
  readonly isRun: boolean
  /** Only blanks are between the piece before and this one. */
  readonly isApart: boolean
}

const fold = (text: string): string => text.slice(0, MAX_CHARS).normalize('NFKC').toLowerCase()

function piecesOf(folded: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const { 0: text, index } of folded.matchAll(PIECE)) {
    const isApart = end < index && folded.slice(end, index).trim() === ''
    pieces.push({ text, isRun: IS_RUN.test(text), isApart })
    end = index + text.length
  }
  return pieces
}

/**
 * The tokens of a text in their order. Of a run: every pair, and the last character by itself, or joined to the next
 * run where only blanks are between the two.
 */
export function textTokens(text: string): string[] {
  const tokens: string[] = []
  const pieces = piecesOf(fold(text))
  for (const [index, piece] of pieces.entries()) {
    if (tokens.length >= MAX_TOKENS) break
    if (!piece.isRun) {
      tokens.push(piece.text.slice(0, MAX_WORD))
      continue
    }
    const next = pieces[index + 1]
    const chars = Array.from(piece.text)
    const last = chars.length - 1
    for (let i = 0; i < last; i++) tokens.push(`${chars[i]}${chars[i + 1]}`)
    tokens.push(next?.isRun && next.isApart ? `${chars[last]}${GAP}${Array.from(next.text)[0]}` : `${chars[last]}`)
  }
  return tokens.slice(0, MAX_TOKENS)
}

/** Tokens that stand one behind the other. */
export interface Phrase {
  readonly tokens: readonly string[]
  /** The last token need only begin so. */
  readonly isPrefix: boolean
}

/** What is searched for: of each word, one of its phrases. */
export interface SearchTerm {
  readonly words: readonly (readonly Phrase[])[]
  /** The words as they were typed, in lower case, for clients to highlight. */
  readonly highlights: readonly string[]
}

/** Reads what somebody typed. Without words there is nothing that could be found. */
export function parseSearchTerm(text: string): SearchTerm {
  const words: Phrase[][] = []
  const highlights: string[] = []
  for (const part of fold(text).split(/\s+/)) {
    const pieces = piecesOf(part)
    if (pieces.length === 0) continue
    if (words.length === MAX_WORDS) break
    words.push(phrasesOf(pieces))
    highlights.push(part)
  }
  return { words, highlights }
}

function phrasesOf(pieces: readonly Piece[]): Phrase[] {
  const tokens = pieces.flatMap(({ text, isRun }, index) => {
    if (!isRun) return text.slice(0, MAX_WORD)
    const chars = Array.from(text)
    const pairs = chars.slice(1).map((char, i) => `${chars[i]}${char}`)
    // At the end of what is searched for, the last character has been said by its pair, if it has one.
    const isEnd = index === pieces.length - 1
    return isEnd && pairs.length > 0 ? pairs : [...pairs, `${chars.at(-1)}`]
  })
  const last = pieces.at(-1)
  const isPrefix = last?.isRun === true && Array.from(last.text).length === 1
  const phrases: Phrase[] = [{ tokens, isPrefix }]
  if (pieces.length === 1 && last?.isRun) phrases.push(...withSpace(Array.from(last.text), tokens))
  return phrases
}

/** 예산안검토 is also written 예산안 검토: the same with a space, where two characters at least stand on either side. */
function withSpace(chars: readonly string[], pairs: readonly string[]): Phrase[] {
  if (chars.length < 4 || chars.length > MAX_SPLIT) return []
  return chars.slice(2, -1).map((char, i) => ({
    tokens: pairs.with(i + 1, `${chars[i + 1]}${GAP}${char}`),
    isPrefix: false,
  }))
}
