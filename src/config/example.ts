import { stringify } from 'yaml'
import type { z } from 'zod'
import { configSchema } from './schema.ts'
import { shapeOf, unwrap } from './shape.ts'

const WIDTH = 110
const HEAD = [
  'Every key of the configuration, with what holds when it is left out. Only server_name must be given.',
  'Generated from src/config/ by `npm run config:example`.',
]

type Shape = Readonly<Record<string, z.core.$ZodType>>

/** The text of `config.example.yaml`. It is itself a configuration, equal to one that has nothing but `server_name`. */
export const exampleConfig = (): string =>
  `${[...HEAD.map((line) => `# ${line}`), ...group(configSchema.shape)].join('\n')}\n`

/** All keys of an object; a blank line before each that has more than one line of its own. */
const group = (shape: Shape): string[] => Object.entries(shape).flatMap(([key, schema]) => ['', ...entry(key, schema)])

/** One key: its explanation, and its default; where there is none, an example behind `#`. */
function entry(key: string, schema: z.core.$ZodType): string[] {
  const { description = '', example } = metaOf(schema)
  const about = comment(description)
  const fallback = defaultOf(schema)
  const { def } = (unwrap(schema) as z.core.$ZodTypes)._zod
  if (def.type === 'object' && isEmpty(fallback)) return [...about, `${key}:`, ...indented(group(def.shape).slice(1))]
  if (def.type === 'union') {
    const [first, ...others] = def.options.map(shapeOf).filter((shape) => shape !== undefined)
    if (first)
      return [...about, `${key}:`, ...indented(group(first).slice(1)), ...others.flatMap((shape) => orElse(key, shape))]
  }
  const parts = shapeOf(def.type === 'array' ? def.element : schema)
  const legend = Object.entries(parts ?? {}).flatMap(([name, part]) =>
    comment(`${name}: ${metaOf(part).description ?? ''}`, '  '),
  )
  if (fallback === undefined) return [...about, ...legend, ...commented(yaml(key, example ?? null), isRequired(schema))]
  const hint = isEmpty(fallback) && example !== undefined ? comment(`For example ${JSON.stringify(example)}`) : []
  return [...about, ...legend, ...hint, ...yaml(key, fallback)]
}

/** Another form that the same key may have. */
const orElse = (key: string, shape: Shape): string[] => [
  '# or:',
  ...commented([`${key}:`, ...indented(group(shape).slice(1))], false),
]

function metaOf(schema: z.core.$ZodType): { description?: string | undefined; example?: unknown } {
  return (schema as z.ZodType).meta() ?? {}
}

function defaultOf(schema: z.core.$ZodType): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'literal') return def.values[0]
  return def.type === 'prefault' || def.type === 'default' ? def.defaultValue : undefined
}

const isRequired = (schema: z.core.$ZodType): boolean => (schema as z.core.$ZodTypes)._zod.optin === undefined
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const yaml = (key: string, value: unknown): string[] =>
  stringify({ [key]: value })
    .trimEnd()
    .split('\n')
const indented = (lines: readonly string[]): string[] => lines.map((line) => (line === '' ? '' : `  ${line}`))
const commented = (lines: readonly string[], isLive: boolean): string[] =>
  isLive ? [...lines] : lines.map((line) => (line === '' ? '#' : `# ${line}`))

/** A text as comment lines, broken between words. */
function comment(text: string, hang = ''): string[] {
  const lines: string[] = []
  let line = '#'
  for (const word of `${hang}${text}`.split(/(?<=\S) /)) {
    if (line.length + word.length > WIDTH) {
      lines.push(line)
      line = `# ${hang}${hang === '' ? '' : '  '}${word}`
    } else line += ` ${word}`
  }
  return text === '' ? [] : [...lines, line]
}
