import type { z } from 'zod'
import { badJson, invalidParam, type MatrixError, missingParam } from '../matrix/errors.ts'

type Part = 'path' | 'query' | 'body'

/** Runs a route's schema over one part of the request and throws the errcode that the specification has for it. */
export function parsePart<T>(part: Part, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw toMatrixError(part, result.error.issues[0], value)
}

/**
 * The first issue decides. Where something is missing: `M_MISSING_PARAM`. In the body, a wrong type or choice is
 * `M_BAD_JSON`, and a text of the right type with a wrong form (an id) `M_INVALID_PARAM`, as other servers answer.
 */
function toMatrixError(part: Part, issue: z.core.$ZodIssue | undefined, value: unknown): MatrixError {
  if (issue === undefined) return badJson('Invalid request')
  const where = issue.path.map(String).join('.')
  const found = valueAt(value, issue.path)
  if (found === undefined && issue.path.length > 0) return missingParam(`Missing ${where}`)
  const message = where === '' ? `Invalid ${part}` : `Invalid ${where}: ${issue.message}`
  if (part !== 'body') return invalidParam(message)
  const isForm = issue.code === 'custom' || issue.code === 'invalid_format' || issue.code === 'too_big'
  return isForm && where !== '' && typeof found === 'string' ? invalidParam(message) : badJson(message)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined
    found = (found as Record<PropertyKey, unknown>)[key]
  }
  return found
}
