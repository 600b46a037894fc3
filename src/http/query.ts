import { z } from 'zod'
import { parseJsonText } from './json-body.ts'

/** zod schemas for query parameters, which arrive as text, or as a list of texts where a name is repeated. */

/** An integer in text form: `?limit=10`. */
export const intParam = z
  .string()
  .regex(/^-?\d{1,15}$/, 'Not an integer')
  .transform(Number)

/** `true` or `false`. */
export const boolParam = z.enum(['true', 'false']).transform((text) => text === 'true')

/** A parameter that may be repeated: always an array. */
export const listParam = z.union([z.string().transform((text) => [text]), z.array(z.string())])

/** Of a parameter that was repeated although it has one value, the first. */
export const firstParam = z.union([z.string(), z.array(z.string()).transform((texts) => texts[0] ?? '')])

/** JSON in a query parameter, as `/sync?filter={…}` has it. Its shape is unchecked; the rules of bodies hold. */
export const jsonParam = z.string().transform((text, ctx): unknown => {
  try {
    return parseJsonText(text, false)
  } catch {
    ctx.addIssue({ code: 'custom', message: 'Not JSON' })
    return z.NEVER
  }
})

/**
 * Parses a query string strictly: malformed percent-encoding yields `undefined`, where `URLSearchParams` would guess.
 * The result has no prototype, so that `__proto__` is a name like any other.
 */
export function parseQuery(search: string): Record<string, string | string[]> | undefined {
  const query: Record<string, string | string[]> = Object.create(null)
  if (search === '') return query
  try {
    for (const pair of search.split('&')) {
      if (pair === '') continue
      const equals = pair.indexOf('=')
      const name = decode(equals < 0 ? pair : pair.slice(0, equals))
      const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
      const known = query[name]
      if (known === undefined) query[name] = value
      else if (typeof known === 'string') query[name] = [known, value]
      else known.push(value)
    }
    return query
  } catch {
    return undefined // decodeURIComponent throws on nothing but malformed encoding
  }
}

const decode = (text: string): string => {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  return spaced.includes('%') ? decodeURIComponent(spaced) : spaced
}
