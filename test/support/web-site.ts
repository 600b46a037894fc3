import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A real web server of the tests. */
export interface WebSite {
  /** `http://127.0.0.1:port`, without a slash at its end. */
  readonly url: string
  /** The paths that were asked for, in order. */
  readonly asked: string[]
  /** Serves something under a path. */
  put(path: string, content: string | Buffer | RequestListener, type?: string): void
}

export async function startWebSite(): Promise<WebSite> {
  const pages = new Map<string, RequestListener>()
  const asked: string[] = []
  const server = createServer((req, res) => {
    const path = req.url ?? ''
    asked.push(path)
    const page = pages.get(path)
    if (page) page(req, res)
    else res.writeHead(404).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    put: (path, content, type = 'text/html; charset=utf-8') => {
      const serve: RequestListener = (_req, res) => res.writeHead(200, { 'content-type': type }).end(content)
      pages.set(path, typeof content === 'function' ? content : serve)
    },
  }
}
