import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import { MatrixError } from '../matrix/errors.ts'
import { answer, answerJson } from './answer.ts'
import { PREFLIGHT_HEADERS } from './cors.ts'
import { PrefixRouter } from './prefix-router.ts'
import type { Route } from './route.ts'
import { type ServeDeps, serveRoute } from './serve.ts'

/** Turns routes into the one middleware of a server: find the route and serve it, or say that there is none. */
export function mountRoutes(routes: readonly Route[], deps: ServeDeps): Middleware {
  const router = new PrefixRouter(
    routes.flatMap((route) => {
      const serve = serveRoute(route, deps)
      return [route.spec.path].flat().map((path) => ({ method: route.spec.method, path, serve }))
    }),
  )
  const recordUnknown = deps.requestRecorder('unknown')
  return async ({ req, res }) => {
    const { method = '' } = req
    if (method === 'OPTIONS') return answer(res, 204, PREFLIGHT_HEADERS, undefined, deps.drain.isDraining)
    const started = performance.now()
    const { path, search } = splitTarget(req)
    const found = router.find(method, path)
    if ('serve' in found) return found.serve({ req, res, path, search, params: found.params })
    const { error, headers } = unrecognized(found.allow)
    answerJson(res, error.status, error.toJSON(), headers, deps.drain.isDraining)
    const ms = performance.now() - started
    recordUnknown(error.status, ms)
    deps.requestLog.unknown(deps.nextRequestId(), method, path, error.status, ms)
  }
}

/** Path and query of a request as they were sent. A proxy's form, `GET http://host/path`, is served like any other. */
function splitTarget(req: IncomingMessage): { path: string; search: string } {
  const url = (req.url ?? '').replace(/^https?:\/\/[^/?]*/i, '')
  const mark = url.indexOf('?')
  return mark < 0 ? { path: url, search: '' } : { path: url.slice(0, mark), search: url.slice(mark + 1) }
}

function unrecognized(allow: readonly string[]): { error: MatrixError; headers: Record<string, string> } {
  if (allow.length === 0) return { error: new MatrixError('M_UNRECOGNIZED', 'Unrecognized request'), headers: {} }
  const error = new MatrixError('M_UNRECOGNIZED', 'Unrecognized method', { status: 405 })
  return { error, headers: { Allow: allow.join(', ') } }
}
