import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '..')

/** What each folder of `src/` may import of the others. The map in README.md draws the same arrows. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  util: [],
  matrix: ['util'],
  room: ['matrix', 'util'],
  storage: ['matrix', 'util'],
  outbound: ['matrix', 'util'],
  federation: ['outbound', 'storage', 'room', 'matrix', 'util'],
  services: ['federation', 'outbound', 'storage', 'room', 'matrix', 'util'],
  http: ['services', 'room', 'matrix', 'util'],
  config: ['room', 'matrix', 'util'],
  compose: ['config', 'http', 'services', 'federation', 'outbound', 'storage', 'room', 'matrix', 'util'],
  cli: ['server.ts', 'compose', 'federation', 'outbound', 'config', 'storage', 'matrix', 'util'],
  'server.ts': ['compose', 'config', 'http', 'services', 'matrix', 'util'],
  'main.ts': ['cli'],
}

/** Packages that belong to one place. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kysely: ['storage', 'migrations'],
  pg: ['storage'],
  'better-sqlite3': ['storage'],
  koa: ['http'],
  undici: ['outbound'],
  '@koa/router': ['http'],
  commander: ['cli'],
  yaml: ['config', 'cli'],
  tweetnacl: ['matrix/signing-key.ts'],
}

interface Import {
  readonly from: string
  readonly target: string
  readonly isType: boolean
}

const files = ['src', 'migrations'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name)),
)
const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))
const imports = [...sources].flatMap(([from, text]) => importsOf(from, text))

function importsOf(from: string, text: string): Import[] {
  const found = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/gm)
  return [...found].map(([, type, fixed, dynamic]) => {
    const name = fixed ?? dynamic ?? ''
    const target = name.startsWith('.') ? relative(ROOT, resolve(ROOT, from, '..', name)) : name
    return { from, target, isType: type !== undefined }
  })
}

/** `services` of `src/services/rooms/append.ts`; `server.ts` of `src/server.ts`; `migrations` of what is there. */
const partOf = (file: string): string => file.replace(/^src\//, '').split('/')[0] ?? ''
const isOurs = (target: string): boolean => sources.has(target)

describe('the architecture', () => {
  it('has every import go along an arrow', () => {
    const wrong = imports.filter(({ from, target, isType }) => {
      if (!isOurs(target) || partOf(from) === partOf(target) || from.startsWith('migrations')) return false
      // The type of the services may be known everywhere in http.
      if (target === 'src/compose/services.ts' && isType && partOf(from) === 'http') return false
      if (target.startsWith('migrations')) return partOf(from) !== 'storage'
      return !ARROWS[partOf(from)]?.includes(partOf(target))
    })
    expect(wrong.map(({ from, target }) => `${from} → ${target}`)).toEqual([])
  })

  it('imports only files that exist', () => {
    const missing = imports.filter(({ target }) => target.endsWith('.ts') && !isOurs(target))
    expect(missing.map(({ from, target }) => `${from} → ${target}`)).toEqual([])
  })

  it('keeps packages where they belong', () => {
    const wrong = imports.filter(({ from, target }) => {
      const places = PACKAGES[target]
      return places !== undefined && !places.some((place) => `${from.replace(/^src\//, '')}/`.startsWith(`${place}/`))
    })
    expect(wrong.map(({ from, target }) => `${from} → ${target}`)).toEqual([])
  })

  it('keeps the core pure: no input, no output, no time, no chance', () => {
    const pure = [...sources].filter(([file]) => ['room', 'matrix'].includes(partOf(file)))
    const wrong = pure.filter(([file, text]) => {
      const modules = importsOf(file, text).map(({ target }) => target)
      const isImpure = modules.some((name) => name.startsWith('node:') && !['node:crypto', 'node:util'].includes(name))
      return isImpure || /\bDate\b|Math\.random|randomBytes|process\./.test(withoutComments(text))
    })
    expect(wrong.map(([file]) => file)).toEqual([])
  })

  it('takes time, chance and the environment from its edges', () => {
    const edges = ['src/main.ts', 'src/util/clock.ts']
    const inner = [...sources].filter(([file]) => !edges.includes(file) && partOf(file) !== 'cli')
    const wrong = inner.filter(([, text]) =>
      /Date\.now\(|Math\.random\(|process\.(?:env|argv)/.test(withoutComments(text)),
    )
    expect(wrong.map(([file]) => file)).toEqual([])
  })

  it('has no import cycles', () => {
    expect(findCycles()).toEqual([])
  })
})

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')

/** Cycles of imports, of types too, each once. */
function findCycles(): string[] {
  const next = new Map<string, string[]>()
  for (const { from, target } of imports) {
    if (isOurs(target)) next.set(from, [...(next.get(from) ?? []), target])
  }
  const cycles: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) cycles.push([...path.slice(start), file].join(' → '))
    if (start >= 0 || done.has(file)) return
    for (const target of next.get(file) ?? []) visit(target, [...path, file])
    done.add(file)
  }
  for (const file of sources.keys()) visit(file, [])
  return cycles
}
