import { readFileSync } from 'node:fs'
import { MISTAKES } from './mistakes.ts'
import { differencesFrom, type Shape, type Shapes } from './shape.ts'

const { definitions, answers }: Shapes = JSON.parse(readFileSync(new URL('shapes.json', import.meta.url), 'utf8'))

interface Template {
  readonly operation: string
  readonly segments: readonly string[]
}

/** A slash at the end says nothing. */
function segmentsOf(path: string): string[] {
  return path.replace(/\/$/, '').split('/')
}

/** Templates by method and number of segments; of two that match, the one with fewer parameters counts. */
const templates = new Map<string, Template[]>()
for (const operation of Object.keys(answers)) {
  const [method = '', path = ''] = operation.split(' ')
  const segments = segmentsOf(path)
  const key = `${method} ${segments.length}`
  templates.set(key, [...(templates.get(key) ?? []), { operation, segments }])
}

const isParameter = (segment: string) => segment.startsWith('{')

/** The operation that a request is one of: `GET /_matrix/client/v3/rooms/{roomId}/state`. */
function operationOf(method: string, path: string): string | undefined {
  const segments = segmentsOf(path.split('?')[0] ?? '')
  const [best] = (templates.get(`${method} ${segments.length}`) ?? [])
    .filter((template) =>
      template.segments.every((segment, index) => isParameter(segment) || segment === segments[index]),
    )
    .sort((a, b) => a.segments.filter(isParameter).length - b.segments.filter(isParameter).length)
  return best?.operation
}

/** All errors have this form, but for the first round of user-interactive authentication. */
const ERROR: Shape = { object: { errcode: 'string', error: 'string' }, required: ['errcode'] }

/**
 * Where an answer differs from what the specification says about it, but for the specification's own mistakes. `path` is
 * that of the request, with its query.
 */
export function differencesOfAnswer(method: string, path: string, status: number, body: unknown): string[] {
  const operation = operationOf(method, path)
  if (operation === undefined || typeof body === 'string') return []
  const isChallenge = status === 401 && typeof body === 'object' && body !== null && 'flows' in body
  const shape = status >= 400 && !isChallenge ? ERROR : answers[operation]?.[status]
  if (shape === undefined) return []
  return differencesFrom(shape, body, definitions)
    .map((difference) => `${operation} ${status} ${difference}`)
    .filter((difference) => !MISTAKES.some(({ differences }) => differences.includes(difference)))
}
