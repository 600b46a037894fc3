import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { exampleConfig } from '../../src/config/example.ts'
import { parseConfig } from '../../src/config/load.ts'
import { configSchema } from '../../src/config/schema.ts'
import { shapeOf, type unwrap } from '../../src/config/shape.ts'

const ROOT = resolve(import.meta.dirname, '../..')

describe('config.example.yaml', () => {
  it('is what `npm run config:example` makes', () => {
    expect(readFileSync(resolve(ROOT, 'config.example.yaml'), 'utf8')).toBe(exampleConfig())
  })

  it('is a configuration that changes nothing', () => {
    expect(parseConfig(exampleConfig(), '/etc/x.yaml')).toEqual(parseConfig('server_name: example.org', '/etc/x.yaml'))
  })

  it('stays right when everything that is commented out is put to use', () => {
    const live = exampleConfig()
      .replace(/^# or:\n(?:#.*\n)+/gm, '')
      .replace(/^ {2}# or:\n(?: {2}#.*\n)+/gm, '')
      .replace(/^( *)# ([a-z_]+: \S.*)$/gm, (line, indent, entry) => (/_file:/.test(entry) ? line : indent + entry))
    expect(() => parseConfig(live, '/etc/x.yaml')).not.toThrow()
  })

  it('explains every key', () => {
    expect(undescribed(configSchema, '')).toEqual([])
  })
})

/** The keys without a description. `kind` is explained by the choice that it makes. */
function undescribed(schema: Parameters<typeof unwrap>[0], path: string): string[] {
  const shape = shapeOf(schema)
  return Object.entries(shape ?? {}).flatMap(([key, value]) => {
    const own = 'meta' in value && typeof value.meta === 'function' ? value.meta()?.description : undefined
    return [...(own || key === 'kind' ? [] : [`${path}${key}`]), ...undescribed(value, `${path}${key}.`)]
  })
}
