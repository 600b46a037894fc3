/**
 * A glob (`*`: any characters, `?`: one), matched without regard to case. It is cut at its stars, and the pieces are
 * looked for from left to right, each at the first place that fits: no backtracking, whatever the pattern.
 */
export class Glob {
  readonly #pieces: readonly string[]
  readonly #stepsPerUnit: number

  constructor(pattern: string) {
    this.#pieces = pattern.toLowerCase().split('*')
    this.#stepsPerUnit = this.#pieces.reduce((sum, piece) => sum + stepsPerUnit(piece), 0)
  }

  /** What matching a text of this length takes at most. */
  stepsFor(length: number): number {
    return this.#stepsPerUnit * length
  }

  /** Whether it matches the whole text. `text` is in lower case. */
  matches(text: string): boolean {
    return this.#find(
      text,
      (index) => index === 0,
      (index) => index === text.length,
    )
  }

  /** Whether it matches a part of the text that begins and ends at a word boundary. `text` is in lower case. */
  matchesWords(text: string): boolean {
    const boundary = (index: number) => isBoundary(text, index)
    return this.#find(text, boundary, boundary)
  }

  #find(text: string, mayStart: (index: number) => boolean, mayEnd: (index: number) => boolean): boolean {
    const pieces = this.#pieces
    const last = pieces.length - 1
    let index = 0
    for (const [i, piece] of pieces.entries()) {
      const next = isLiteral(piece) ? findText : findPiece
      const end = next(text, piece, index, i === 0 ? mayStart : undefined, i === last ? mayEnd : undefined)
      if (end === undefined) return false
      index = end
    }
    return true
  }
}

/** Whether the text holds the word, as it stands, between word boundaries. */
export function containsWord(text: string, word: string): boolean {
  const boundary = (index: number) => isBoundary(text, index)
  return findText(text, word, 0, boundary, boundary) !== undefined
}

/** Each piece may be compared with what is at each place, in full; sixteen characters at once where it has no `?`. */
const stepsPerUnit = (piece: string): number => (isLiteral(piece) ? 1 + piece.length / 16 : piece.length)

const isLiteral = (piece: string): boolean => !piece.includes('?')

const isBoundary = (text: string, index: number): boolean =>
  index === 0 || index === text.length || !isWordUnit(text.charCodeAt(index - 1)) || !isWordUnit(text.charCodeAt(index))

/** A-Z, a-z, 0-9 and _ (spec: Push rules, `content` rules). */
const isWordUnit = (unit: number): boolean =>
  (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39) || unit === 0x5f || (unit >= 0x41 && unit <= 0x5a)

type Allowed = ((index: number) => boolean) | undefined

/** The end of the first fitting occurrence of a text at or after `from`. */
function findText(text: string, piece: string, from: number, mayStart: Allowed, mayEnd: Allowed): number | undefined {
  for (let start = text.indexOf(piece, from); start >= 0; start = text.indexOf(piece, start + 1)) {
    const end = start + piece.length
    if ((!mayStart || mayStart(start)) && (!mayEnd || mayEnd(end))) return end
    if (start === text.length) return undefined
  }
  return undefined
}

/** The same for a piece with question marks. */
function findPiece(text: string, piece: string, from: number, mayStart: Allowed, mayEnd: Allowed): number | undefined {
  for (let start = from; start <= text.length; start++) {
    if (mayStart && !mayStart(start)) continue
    const end = endAt(text, piece, start)
    if (end !== undefined && (!mayEnd || mayEnd(end))) return end
  }
  return undefined
}

function endAt(text: string, piece: string, start: number): number | undefined {
  let index = start
  for (const wanted of piece) {
    if (index >= text.length) return undefined
    const found = String.fromCodePoint(text.codePointAt(index) ?? 0)
    if (wanted !== '?' && wanted !== found) return undefined
    index += found.length
  }
  return index
}
