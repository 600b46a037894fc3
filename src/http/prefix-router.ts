import Router from '@koa/router'
import type { Matched } from './serve.ts'

/** The longest static beginning of a path that tells routers apart, `/_matrix/client/v3/rooms`, if no parameter follows. */
const PREFIX_SEGMENTS = 4

type Serve = (matched: Matched) => Promise<void>

export interface Endpoint {
  readonly method: string
  readonly path: string
  readonly serve: Serve
}

type Found = { readonly serve: Serve; readonly params: Record<string, string> } | { readonly allow: string[] }

/**
 * One router for each prefix, found by one look into a map, because a router tests each of its routes in turn. The forty
 * of a room are told apart by what follows its id: `/_matrix/client/v3/rooms/:/send`.
 * Where two routes match, the one with fewer parameters wins.
 */
export class PrefixRouter {
  readonly #routers = new Map<string, Router>()
  readonly #serves = new Map<unknown, Serve>()

  constructor(endpoints: readonly Endpoint[]) {
    const sorted = endpoints.toSorted((a, b) => paramCount(a.path) - paramCount(b.path))
    for (const endpoint of sorted) this.#add(endpoint)
  }

  #add({ method, path, serve }: Endpoint): void {
    const prefix = prefixOf(path)
    const router = this.#routers.get(prefix) ?? new Router({ sensitive: true })
    this.#routers.set(prefix, router)
    const layer = router.register(path, [method], () => undefined)
    this.#serves.set(layer, serve)
  }

  /** The endpoint for a request; or the methods that its path knows (none: the path is unknown). */
  find(method: string, path: string): Found {
    const allow = new Set<string>()
    for (const prefix of prefixesOf(path)) {
      const matched = this.#routers.get(prefix)?.match(path, method)
      if (matched === undefined) continue
      const layer = matched.pathAndMethod[0]
      const serve = this.#serves.get(layer)
      if (layer && serve) return { serve, params: layer.params(path, layer.captures(path)) }
      for (const other of matched.path) for (const name of other.methods) allow.add(name)
    }
    return { allow: [...allow] }
  }
}

const paramCount = (path: string): number => path.split(':').length

/** Of a route. */
function prefixOf(path: string): string {
  const param = path.search(/\/[:*{(]/)
  const fixed = param < 0 ? path : path.slice(0, param)
  const [, next] = /^\/:\w+(\/[^/:*{(]+)/.exec(path.slice(fixed.length)) ?? []
  const isWhole = fixed.split('/').length === PREFIX_SEGMENTS + 1
  return isWhole && next !== undefined ? `${fixed}/:${next}` : cut(fixed, PREFIX_SEGMENTS).replace(/\/$/, '')
}

/** Of a path that is asked for, the longest first. */
function* prefixesOf(path: string): Generator<string> {
  const fixed = cut(path, PREFIX_SEGMENTS)
  const next = path.indexOf('/', fixed.length + 1)
  if (next > 0) yield `${fixed}/:${cut(path.slice(next), 1)}`
  for (let prefix: string | undefined = fixed; prefix; prefix = shorter(prefix)) yield prefix
}

/** The first `segments` segments of a path. */
function cut(path: string, segments: number): string {
  let end = 0
  for (let i = 0; i < segments; i++) {
    const next = path.indexOf('/', end + 1)
    if (next < 0) return path
    end = next
  }
  return path.slice(0, end)
}

/** A path without its last segment. */
const shorter = (prefix: string): string | undefined => prefix.slice(0, prefix.lastIndexOf('/')) || undefined
