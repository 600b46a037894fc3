import { MatrixError } from './errors.ts'
import { readNumber } from './exact-number.ts'
import type { Json } from './json.ts'
import { endOfString } from './json-text.ts'

/**
 * Parses JSON that another server sent, keeping what `JSON.parse` loses: a number that is no integer within 2^53 - 1
 * comes out as an `ExactNumber`. Which of those an event may contain depends on its room's version, which is known only
 * afterwards: see `canonicalFlaw`. Of a key that stands twice the last one counts, as with every other server;
 * `__proto__` is an ordinary key. Throws `M_NOT_JSON`, and nothing else.
 */
export function parseJson(text: string): Json {
  try {
    return (hasUnusualNumber(text) ? JSON.parse(text, restoreNumber) : JSON.parse(text)) as Json
  } catch {
    // A RangeError too: with a reviver the engine recurses, and nesting of some thousands overflows the stack.
    throw new MatrixError('M_NOT_JSON', 'Not JSON')
  }
}

const restoreNumber = (_key: string, value: unknown, { source }: { source?: string }): unknown =>
  typeof value === 'number' && source !== undefined ? readNumber(source) : value

const QUOTE = 0x22
const MINUS = 0x2d
const isDigit = (unit: number): boolean => unit >= 0x30 && unit <= 0x39

/** An integer that a double surely holds. */
const USUAL_NUMBER = /(?:0|-?[1-9]\d{0,14})(?![\d.eE])/y

/**
 * Whether some number needs a look at its source: 1 GB/s, where a reviver that sees the source makes `JSON.parse` ten
 * times slower (35 MB/s). Only who sends such numbers pays for them.
 */
function hasUnusualNumber(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === QUOTE) {
      at = endOfString(text, at)
    } else if (isDigit(unit) || unit === MINUS) {
      USUAL_NUMBER.lastIndex = at
      if (!USUAL_NUMBER.test(text)) return true
      at = USUAL_NUMBER.lastIndex - 1
    }
  }
  return false
}
