import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import type { Json, JsonObject } from '../../src/matrix/json.ts'
import { signJson } from '../../src/matrix/sign-json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import { xMatrixHeader } from '../../src/matrix/x-matrix.ts'
import type { Federated, World } from './servers.ts'

/** A request that a fake server got. */
export interface Got {
  readonly method: string
  readonly uri: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** What it answers: JSON, or a text or a stream as it is. */
export interface Given {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: object | string | Readable
}

export interface FakeServerOptions {
  /** Made-up address; default one in 10.1.0.0/16. */
  readonly address?: string
  readonly port?: number
  /** The names of its certificate; default its own. */
  readonly certified?: readonly string[]
}

let count = 0

/** Another server that is not ours: it has a name, a key and a certificate, and answers what a test says. */
export class FakeServer {
  readonly name: string
  readonly key = new SigningKey('fake', randomBytes(32))
  readonly got: Got[] = []
  /** By `METHOD path`, without the query; the key answer is there already. */
  readonly answers = new Map<string, (got: Got) => Given | Promise<Given>>()
  /** Answers what has no answer of its own. */
  otherwise: (got: Got) => Given | Promise<Given> = () => ({ status: 404, body: { errcode: 'M_UNRECOGNIZED' } })
  readonly #world: World
  readonly #agent = new Agent({ keepAlive: true })
  #server: Server | undefined

  private constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.answers.set('GET /_matrix/key/v2/server', () => ({ body: this.keyAnswer() }))
  }

  static async start(world: World, name: string, options: FakeServerOptions = {}): Promise<FakeServer> {
    const fake = new FakeServer(world, name)
    const server = createServer(await world.authority.issue(...(options.certified ?? [name])), async (req, res) => {
      const got = { method: req.method ?? '', uri: req.url ?? '', headers: req.headers, body: await text(req) }
      fake.got.push(got)
      const answer = fake.answers.get(`${got.method} ${got.uri.split('?')[0]}`)
      const { status = 200, headers, body = {} } = await (answer ?? fake.otherwise)(got)
      res.writeHead(status, { 'content-type': 'application/json', ...headers })
      if (body instanceof Readable) body.pipe(res)
      else res.end(typeof body === 'string' ? body : JSON.stringify(body))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    fake.#server = server
    onTestFinished(() => {
      fake.close()
      fake.#agent.destroy()
    })
    const address = options.address ?? `10.1.0.${++count}`
    if (!name.startsWith('[') && !/^[\d.]+(?::|$)/.test(name)) world.network.name(name.replace(/:\d+$/, ''), address)
    world.network.listen(address, options.port ?? 8448, (server.address() as AddressInfo).port)
    return fake
  }

  close(): void {
    this.#server?.closeAllConnections()
    this.#server?.close()
  }

  /** What it says of its keys. */
  keyAnswer(fields: JsonObject = {}): JsonObject {
    const answer = {
      server_name: this.name,
      verify_keys: { [this.key.keyId]: { key: this.key.publicKey } },
      old_verify_keys: {},
      valid_until_ts: this.#world.clock.now() + 86_400_000,
      ...fields,
    }
    return signJson<JsonObject>(answer, this.name, this.key)
  }

  /** Sends one of our servers a request, signed; `authorization` replaces the header. */
  async ask(
    to: Federated,
    method: 'GET' | 'PUT' | 'POST',
    uri: string,
    {
      content,
      body,
      authorization,
    }: { content?: Json | undefined; body?: string; authorization?: string | string[] } = {},
    // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of many shapes
  ): Promise<{ status: number; body: any }> {
    const signed = {
      method,
      uri,
      origin: this.name,
      destination: to.name,
      contentText: content === undefined ? undefined : canonicalJson(content),
    }
    const headers = [authorization ?? xMatrixHeader(signed, this.key)].flat()
    const sent = request({
      ...this.#world.network.placeOf(to.address, 8448),
      method,
      path: uri,
      servername: to.name,
      ca: this.#world.authority.cert,
      agent: this.#agent,
      headers: ['host', to.name, ...headers.flatMap((header) => ['authorization', header])],
    })
    sent.end(body ?? (content === undefined ? undefined : JSON.stringify(content)))
    const [response] = await once(sent, 'response')
    return { status: response.statusCode, body: JSON.parse(await text(response)) }
  }
}
