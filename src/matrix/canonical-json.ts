import { isExactNumber, numberText } from './exact-number.ts'

/**
 * Canonical JSON (spec: appendices): the one text of a value, which is hashed and signed. Keys in the order of their
 * code points, no white space. The value must have passed `canonicalFlaw`, or be ours: deep nesting overflows the stack,
 * and an unpaired surrogate or an infinite number has no canonical text.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return numberText(value)
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (value === null) return 'null'
  if (Array.isArray(value)) return arrayText(value)
  if (typeof value === 'object') return isExactNumber(value) ? value.rawJSON : objectText(value)
  throw new TypeError(`No JSON value: ${typeof value}`)
}

function arrayText(items: readonly unknown[]): string {
  let text = ''
  for (const item of items) text += text === '' ? canonicalJson(item) : `,${canonicalJson(item)}`
  return `[${text}]`
}

function objectText(object: object): string {
  let text = ''
  for (const key of sortedKeys(object)) {
    const value = (object as Record<string, unknown>)[key]
    if (value === undefined) continue
    text += text === '' ? `${quote(key)}:${canonicalJson(value)}` : `,${quote(key)}:${canonicalJson(value)}`
  }
  return `{${text}}`
}

/** The keys that canonical JSON writes, in its order. */
function sortedKeys(object: object): string[] {
  const keys = Object.keys(object)
  if (keys.length < 2) return keys
  return keys.some(hasSurrogate) ? keys.sort(compareCodePoints) : keys.sort()
}

// JSON.stringify is right for every well-formed text; this only saves the call for the usual one.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is escaped
const NEEDS_ESCAPES = /["\\\u0000-\u001f]/
const quote = (text: string): string => (NEEDS_ESCAPES.test(text) ? JSON.stringify(text) : `"${text}"`)

const SURROGATE = /[\ud800-\udfff]/
const hasSurrogate = (text: string): boolean => SURROGATE.test(text)

/** JavaScript compares code units, among which surrogates (U+10000 and up) stand before U+E000 to U+FFFF. */
export function compareCodePoints(one: string, other: string): number {
  const length = Math.min(one.length, other.length)
  for (let i = 0; i < length; i++) {
    const difference = rank(one.charCodeAt(i)) - rank(other.charCodeAt(i))
    if (difference !== 0) return difference
  }
  return one.length - other.length
}

const rank = (unit: number): number => (unit >= 0xd800 && unit < 0xe000 ? unit + 0x10000 : unit)
