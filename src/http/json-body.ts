import { isUtf8 } from 'node:buffer'
import { badJson, MatrixError, tooLarge } from '../matrix/errors.ts'
import { hasMoreValues } from '../matrix/json-text.ts'

/** Deeper than any event or key upload; far shallower than what overflows a stack. */
const MAX_DEPTH = 128
/**
 * Three times what a client sends that asks for the keys of ten thousand devices. A body of 3 MB that consisted of empty
 * objects held everybody else up for five seconds: to parse it, and to find out what is wrong with each of them.
 */
const MAX_VALUES = 30_000

/**
 * Parses a request body. What it returns is safe to walk, to serialise and to store: bounded depth, finite numbers,
 * well-formed texts. `__proto__` stays an own key, so that a hash over the value is right.
 */
export function parseJsonBody(bytes: Buffer, allowNul: boolean): unknown {
  if (bytes.length === 0) return {}
  if (!isUtf8(bytes)) throw new MatrixError('M_NOT_JSON', 'The body is not UTF-8')
  return parseJsonText(bytes.toString('utf8'), allowNul)
}

/** The same for text that came another way, such as a query parameter. */
export function parseJsonText(text: string, allowNul: boolean): unknown {
  if (hasMoreValues(text, MAX_VALUES)) throw tooLarge(`The body has more than ${MAX_VALUES} values`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new MatrixError('M_NOT_JSON', 'Not JSON') // the parser's message quotes the body
  }
  check(value, allowNul, MAX_DEPTH)
  return value
}

function check(value: unknown, allowNul: boolean, depthLeft: number): void {
  if (typeof value === 'string') checkText(value, allowNul)
  else if (typeof value === 'number' && !Number.isFinite(value)) throw badJson('A number is too large')
  if (typeof value !== 'object' || value === null) return
  if (depthLeft === 0) throw badJson(`Nested more than ${MAX_DEPTH} deep`)
  if (Array.isArray(value)) {
    for (const item of value) check(item, allowNul, depthLeft - 1)
    return
  }
  for (const [key, item] of Object.entries(value)) {
    checkText(key, allowNul)
    check(item, allowNul, depthLeft - 1)
  }
}

function checkText(text: string, allowNul: boolean): void {
  if (!text.isWellFormed()) throw badJson('A text has an unpaired surrogate')
  if (!allowNul && text.includes('\u0000')) throw badJson('A text has a NUL')
}
