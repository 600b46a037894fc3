const WORD = /[A-Za-z0-9_]/

/**
 * A glob (`*`: any characters, `?`: one), matched without regard to case. It is cut at its stars, and the pieces are
 * looked for from left to right, each at the first place that fits: no backtracking, whatever the pattern.
 */
export class Glob {
  readonly #pieces: readonly string[]

  constructor(pattern: string) {
    this.#pieces = pattern.toLowerCase().split('*')
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
      const end = find(text, piece, index, i === 0 ? mayStart : undefined, i === last ? mayEnd : undefined)
      if (end === undefined) return false
      index = end
    }
    return true
  }
}

function isBoundary(text: string, index: number): boolean {
  return index === 0 || index === text.length || !WORD.test(text[index - 1] ?? '') || !WORD.test(text[index] ?? '')
}

type Allowed = ((index: number) => boolean) | undefined

/** The end of the first fitting occurrence of a piece at or after `from`. */
function find(text: string, piece: string, from: number, mayStart: Allowed, mayEnd: Allowed): number | undefined {
  const literal = !piece.includes('?')
  for (let start = from; start <= text.length; start++) {
    if (literal) {
      start = text.indexOf(piece, start)
      if (start < 0) return undefined
    }
    if (mayStart && !mayStart(start)) continue
    const end = literal ? start + piece.length : endAt(text, piece, start)
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
