/**
 * A number that a double or canonical JSON cannot hold: an integer beyond 2^53 - 1, a float, `-0`. Only room versions 1
 * to 5 have them. It carries the text that every server hashes, and `JSON.stringify` writes that text by itself, so
 * whatever serialises an event keeps the value.
 */
export interface ExactNumber {
  readonly rawJSON: string
}

declare global {
  // Not in TypeScript's library yet (Node 22 has them).
  interface JSON {
    rawJSON(text: string): ExactNumber
    isRawJSON(value: unknown): value is ExactNumber
    parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
  }
}

export const isExactNumber = (value: unknown): value is ExactNumber => JSON.isRawJSON(value)

/** Whether the text of a JSON number is that of an integer, not of a float. */
export const isInteger = (source: string): boolean => /^-?\d+$/.test(source)

/** What the digits of a JSON number mean: a number where canonical JSON allows it, otherwise its exact form. */
export function readNumber(source: string): number | ExactNumber {
  const value = Number(source)
  if (!isInteger(source)) return JSON.rawJSON(floatText(value, source))
  if (Object.is(value, -0)) return JSON.rawJSON('0')
  return Number.isSafeInteger(value) ? value : JSON.rawJSON(source)
}

/** The text of a number in canonical JSON; of one that is no safe integer, the text that Python writes. */
export function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value === 0 ? '0' : String(value)
  // JavaScript writes integers below 1e21 in full, which others read as integers.
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? String(value) : floatText(value, String(value))
}

/**
 * A float as Python's `repr` writes it, for that is what is hashed in the rooms that have floats: the shortest digits,
 * like JavaScript's, but always with a point or an exponent, which begins below 1e-4 and at 1e16.
 */
function floatText(value: number, source: string): string {
  if (!Number.isFinite(value)) return source // refused by `canonicalFlaw`
  if (Object.is(value, -0)) return '-0.0'
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  const power = Number(exponent)
  if (power < -4 || power >= 16) {
    return `${mantissa}e${power < 0 ? '-' : '+'}${String(Math.abs(power)).padStart(2, '0')}`
  }
  const plain = String(value)
  return plain.includes('.') ? plain : `${plain}.0`
}
