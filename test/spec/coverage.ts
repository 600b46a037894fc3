import { readFileSync } from 'node:fs'
import type { Route } from '../../src/http/route.ts'

/** An operation of the specification. */
export interface Operation {
  readonly api: string
  readonly method: string
  readonly path: string
  readonly operationId: string
  readonly authentication: string
}

export interface Coverage {
  readonly implemented: readonly Operation[]
  readonly missing: readonly Operation[]
  /** Paths that we serve and the specification does not have: older names, drafts, our own. */
  readonly extra: readonly string[]
  /** Where a route says something else than the specification. */
  readonly differences: readonly string[]
}

/** The facts in `operations.tsv`. */
export function readOperations(): Operation[] {
  const lines = readFileSync(new URL('operations.tsv', import.meta.url), 'utf8')
    .trim()
    .split('\n')
  return lines.slice(2).map((line) => {
    const [api = '', method = '', path = '', operationId = '', authentication = ''] = line.split('\t')
    return { api, method, path, operationId, authentication }
  })
}

/** The kinds of a route's `auth` that fit what the specification says. */
const FITTING: readonly [pattern: RegExp, auth: readonly string[]][] = [
  [/^access token optional/, ['optional', 'none']], // what may be given may be ignored
  [/^access token \(guest ok\)/, ['guest']],
  // A guest may log out and ask who it is, although the list of what guests may do does not say so.
  [/^access token/, ['user', 'guest']],
  // An application service comes as one of its users.
  [/^as_token/, ['user']],
  [/^signed federation/, ['federation']],
  [/^none/, ['none', 'optional']],
]

/** Holds a route table against the specification. */
export function coverageOf(routes: readonly Route[], operations: readonly Operation[] = readOperations()): Coverage {
  const served = new Map<string, Route>()
  for (const route of routes) {
    for (const path of [route.spec.path].flat()) served.set(keyOf(route.spec.method, path), route)
  }
  const known = new Set(operations.map(({ method, path }) => keyOf(method, path)))
  const found = operations.map((operation) => ({
    operation,
    route: served.get(keyOf(operation.method, operation.path)),
  }))
  return {
    implemented: found.filter(({ route }) => route).map(({ operation }) => operation),
    missing: found.filter(({ route }) => !route).map(({ operation }) => operation),
    extra: [...served.keys()].filter((key) => !known.has(key)),
    differences: found.flatMap(({ operation, route }) => {
      if (!route) return []
      // Some paths have two operations, told apart by what is sent: a route named after either serves both.
      const twins = operations.filter(({ method, path }) => method === operation.method && path === operation.path)
      return differencesOf(operation, new Set(twins.map(({ operationId }) => operationId)), route)
    }),
  }
}

/** The same for `{roomId}` and `:roomId`, whatever the parameter is called. */
const keyOf = (method: string, path: string): string => `${method} ${path.replaceAll(/\{[^}]+\}|:\w+/g, '{}')}`

function differencesOf(
  { method, path, authentication }: Operation,
  operationIds: ReadonlySet<string>,
  { spec }: Route,
): string[] {
  const differences: string[] = []
  const [, operationId = ''] = spec.id.split('.')
  if (!operationIds.has(operationId)) {
    differences.push(`${method} ${path}: ${operationId} should be ${[...operationIds].join(' or ')}`)
  }
  const fitting = FITTING.find(([pattern]) => pattern.test(authentication))?.[1] ?? []
  if (!fitting.includes(spec.auth))
    differences.push(`${method} ${path}: auth ${spec.auth}, should be ${authentication}`)
  return differences
}
