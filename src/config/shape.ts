import type { z } from 'zod'

/** What is inside of defaults, optional values and transformations. */
export function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'prefault':
    case 'default':
      return unwrap(def.innerType)
    case 'pipe':
      return unwrap(def.in)
    default:
      return schema
  }
}

/** The schemas of an object's keys; of a choice between objects, of all of them. `undefined` for anything else. */
export function shapeOf(schema: z.core.$ZodType): Record<string, z.core.$ZodType> | undefined {
  const { def } = (unwrap(schema) as z.core.$ZodTypes)._zod
  if (def.type === 'object') return def.shape
  if (def.type !== 'union') return undefined
  const shapes = def.options.map(shapeOf).filter((shape) => shape !== undefined)
  return shapes.length > 0 ? Object.assign({}, ...shapes) : undefined
}

/** The schema at a path, as far as it is known. */
export function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  const [head, ...rest] = path
  if (head === undefined) return schema
  const { def } = (unwrap(schema) as z.core.$ZodTypes)._zod
  const next = def.type === 'array' ? def.element : shapeOf(schema)?.[String(head)]
  return next && schemaAt(next, rest)
}
