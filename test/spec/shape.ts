/**
 * The form of a JSON value, as the specification's schemas have it: types and names only. An object's fields may be
 * absent unless `required` names them; `values` is the form of all other fields, where there is one.
 */
export type Shape =
  | 'any'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'null'
  | { readonly object: Readonly<Record<string, Shape>>; readonly required?: readonly string[]; readonly values?: Shape }
  | { readonly array: Shape }
  | { readonly anyOf: readonly Shape[] }
  | { readonly ref: string }

/** `shapes.json`: the bodies of the answers, by operation (`GET /_matrix/client/v3/sync`) and status. */
export interface Shapes {
  readonly definitions: Readonly<Record<string, Shape>>
  readonly answers: Readonly<Record<string, Readonly<Record<string, Shape>>>>
}

/** Where a value differs from its shape, such as `rooms.join.*.timeline: is missing`. */
export function differencesFrom(shape: Shape, value: unknown, definitions: Shapes['definitions'], at = ''): string[] {
  if (typeof shape === 'string') return isOfType(shape, value) ? [] : [`${at || 'body'}: should be ${shape}`]
  if ('ref' in shape) return differencesFrom(definitions[shape.ref] ?? 'any', value, definitions, at)
  if ('anyOf' in shape) {
    const differences = shape.anyOf.map((choice) => differencesFrom(choice, value, definitions, at))
    return differences.find((found) => found.length === 0) ?? differences.flat().slice(0, 1)
  }
  if ('array' in shape) {
    if (!Array.isArray(value)) return [`${at || 'body'}: should be an array`]
    return [...new Set(value.flatMap((item) => differencesFrom(shape.array, item, definitions, `${at}[]`)))]
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${at || 'body'}: should be an object`]
  const missing = (shape.required ?? []).filter((name) => !Object.hasOwn(value, name))
  return [
    ...missing.map((name) => `${join(at, name)}: is missing`),
    ...Object.entries(value).flatMap(([name, field]) => {
      const known = Object.hasOwn(shape.object, name)
      const form = known ? shape.object[name] : shape.values
      return form === undefined ? [] : differencesFrom(form, field, definitions, join(at, known ? name : '*'))
    }),
  ]
}

const join = (at: string, name: string): string => (at === '' ? name : `${at}.${name}`)

function isOfType(type: Extract<Shape, string>, value: unknown): boolean {
  if (type === 'any') return true
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'null') return value === null
  return typeof value === type
}
