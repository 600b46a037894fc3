import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { createServer as createNetServer, type Server as NetServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { Agent } from 'undici'
import { canonicalJson } from '../../src/matrix/canonical-json.ts'
import type { JsonObject } from '../../src/matrix/json.ts'
import { signJson } from '../../src/matrix/sign-json.ts'
import { xMatrixHeader } from '../../src/matrix/x-matrix.ts'
import type { Pdu } from '../../src/room/event.ts'
import { signEvent } from '../../src/room/signing.ts'
import { roomVersion } from '../../src/room/versions.ts'
import { keyOf, type RoomBuilder } from '../../test/support/room-builder.ts'
import { freePort } from '../load/server-process.ts'
import type { Homeserver, Site } from './site.ts'

const V1 = '/_matrix/federation/v1'
const V2 = '/_matrix/federation/v2'
const DAY_MS = 86_400_000

/** A signed request that only has to be sent. */
export interface Ready {
  readonly origin: string
  readonly method: 'GET' | 'PUT'
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | undefined
}

/** Many other homeservers, played by the load: each has an address of loopback for itself, all have one certificate. */
export class Peers {
  readonly names: readonly string[]
  /** Told of each transaction that one of them gets, as text. */
  onTransaction: (name: string, text: string) => void = () => {}
  readonly #agent: Agent
  readonly #server: Server
  readonly #listeners: readonly NetServer[]
  readonly #connections = new Set<Socket>()
  readonly #rooms = new Map<string, RoomBuilder>()

  private constructor(names: readonly string[], agent: Agent, server: Server, listeners: readonly NetServer[]) {
    this.names = names
    this.#agent = agent
    this.#server = server
    this.#listeners = listeners
    for (const listener of listeners) listener.on('connection', (socket) => this.#onConnection(socket))
    server.on('request', async (request, response) => {
      const answer = this.#answer(request.headers.host ?? '', request.url ?? '', await text(request))
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(answer ?? { errcode: 'M_UNRECOGNIZED', error: 'Not here' }))
    })
  }

  static async start({ authority }: Site, count: number): Promise<Peers> {
    const port = await freePort()
    const addresses = Array.from({ length: count }, (_, index) => `127.1.${index >> 8}.${(index & 255) + 1}`)
    const server = createServer(await authority.issue(...addresses))
    const listeners = addresses.map((address) => createNetServer().listen(port, address))
    await Promise.all(listeners.map((listener) => once(listener, 'listening')))
    const agent = new Agent({ connect: { ca: authority.cert }, connections: 1 })
    const names = addresses.map((address) => `${address}:${port}`)
    return new Peers(names, agent, server, listeners)
  }

  /** Lets our servers join a room. */
  host(room: RoomBuilder): void {
    this.#rooms.set(room.roomId, room)
  }

  ready(origin: string, to: Homeserver, method: 'GET' | 'PUT', path: string, content?: JsonObject): Ready {
    const contentText = content === undefined ? undefined : canonicalJson(content)
    const signed = { method, uri: path, origin, destination: to.name, contentText }
    const headers = { authorization: xMatrixHeader(signed, keyOf(origin)), 'content-type': 'application/json' }
    return { origin: `https://${to.name}`, method, path, headers, body: contentText }
  }

  /** Sends a request that must succeed; the text of the answer. */
  async send({ origin, method, path, headers, body }: Ready): Promise<string> {
    const answer = await this.#agent.request({ origin, method, path, headers, ...(body !== undefined && { body }) })
    const answered = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${method} ${path} answered ${answer.statusCode}: ${answered}`)
    return answered
  }

  /** A user of the peer joins a room of one of our servers. */
  async join(name: string, to: Homeserver, roomId: string): Promise<void> {
    const userId = `@member:${name}`
    const place = `${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`
    const made = await this.send(this.ready(name, to, 'GET', `${V1}/make_join/${place}?ver=11&ver=12`))
    const { event, room_version } = JSON.parse(made) as { event: Pdu; room_version: string }
    const version = roomVersion(room_version)
    if (!version) throw new Error(`A room of version ${room_version}`)
    const { pdu, eventId } = signEvent({ ...event, origin_server_ts: Date.now() }, version, name, keyOf(name))
    const path = `${V2}/send_join/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`
    await this.send(this.ready(name, to, 'PUT', path, pdu as JsonObject))
  }

  async close(): Promise<void> {
    for (const listener of this.#listeners) listener.close()
    for (const socket of this.#connections) socket.destroy()
    await this.#agent.destroy()
  }

  #onConnection(socket: Socket): void {
    this.#connections.add(socket)
    socket.on('close', () => this.#connections.delete(socket))
    this.#server.emit('connection', socket)
  }

  #answer(name: string, uri: string, body: string): object | undefined {
    const [path = ''] = uri.split('?')
    if (path === '/_matrix/key/v2/server') return keysOf(name)
    if (path.startsWith(`${V1}/send/`)) {
      this.onTransaction(name, body)
      return { pdus: {} }
    }
    const [what, roomId = '', last = ''] = path
      .slice(V1.length + 1)
      .split('/')
      .map(decodeURIComponent)
    const room = this.#rooms.get(roomId)
    if (!room) return undefined
    if (what === 'make_join') return { room_version: room.version.id, event: template(room, last) }
    if (what === 'send_join') return welcome(room, JSON.parse(body) as Pdu)
    return undefined
  }
}

function keysOf(name: string): JsonObject {
  const key = keyOf(name)
  const answer = {
    server_name: name,
    verify_keys: { [key.keyId]: { key: key.publicKey } },
    old_verify_keys: {},
    valid_until_ts: Date.now() + DAY_MS,
  }
  return signJson<JsonObject>(answer, name, key)
}

function template(room: RoomBuilder, userId: string): object {
  const content = { membership: 'join' }
  const { pdu } = room.make({ type: 'm.room.member', sender: userId, stateKey: userId, content })
  const { hashes: _hashes, signatures: _signatures, ...event } = pdu
  return event
}

function welcome(room: RoomBuilder, event: Pdu): object {
  const pdus = (events: Iterable<{ pdu: Pdu }>) => [...events].map(({ pdu }) => pdu)
  const answer = { event, state: pdus(room.stateAfter([room.last]).values()), auth_chain: pdus(room.events) }
  room.receive(event)
  return answer
}
