import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { Authority } from './tls.ts'

/** The host that the gateway's certificate is for. */
const HOST = '127.0.0.1'

/** What a gateway was told. */
// biome-ignore lint/suspicious/noExplicitAny: tests look into notifications of many shapes
export type Notified = any

interface GatewayAnswer {
  status?: number
  body?: string
}

/** The body by which a client sets a pusher to this URL. */
export const pusherTo = (url: string, fields: object = {}) => ({
  kind: 'http',
  app_id: 'kr.go.talk.ios',
  pushkey: 'phone',
  app_display_name: 'Talk',
  device_display_name: 'iPhone 9',
  lang: 'ko',
  data: { url },
  ...fields,
})

/** A real push gateway over HTTPS, which answers what a test says. */
export class PushGateway {
  readonly url: string
  /** The certificate authority that a server has to trust to reach it, PEM. */
  readonly authority: string
  /** All notifications that arrived, also those that were not accepted. */
  readonly got: Notified[] = []
  /** Decides on an answer; default: accepted. */
  answer: (notification: Notified) => GatewayAnswer | Promise<GatewayAnswer> = () => ({})
  readonly #arrivals: (() => void)[] = []

  private constructor(url: string, authority: string) {
    this.url = url
    this.authority = authority
  }

  static async start(): Promise<PushGateway> {
    // Of a name of its own: a server may trust those of several gateways.
    const authority = await Authority.create(randomUUID())
    const server: Server = createServer(await authority.issue(HOST), async (request, response) => {
      const { notification } = JSON.parse(await text(request))
      const { status = 200, body = '{"rejected":[]}' } = await gateway.answer(notification)
      gateway.got.push(notification)
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
      for (const arrived of gateway.#arrivals.splice(0)) arrived()
    })
    await once(server.listen(0, HOST), 'listening')
    const { port } = server.address() as AddressInfo
    const gateway = new PushGateway(`https://${HOST}:${port}/_matrix/push/v1/notify`, authority.cert)
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return gateway
  }

  /** Resolves once so many notifications have arrived, and returns them all. */
  async count(wanted: number): Promise<Notified[]> {
    while (this.got.length < wanted) await new Promise<void>((resolve) => this.#arrivals.push(resolve))
    return this.got
  }
}
