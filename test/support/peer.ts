import type { JsonObject } from '../../src/matrix/json.ts'
import { authEventIds, prevEventIds } from '../../src/room/event.ts'
import { FakeServer } from './fake-server.ts'
import { type BuiltEvent, keyOf, RoomBuilder } from './room-builder.ts'
import type { Federated, World } from './servers.ts'

/**
 * A server that is not ours with a room of its own: it lets others in, and answers about its room what a test has not
 * had it forget.
 */
export class Peer {
  readonly fake: FakeServer
  readonly room: RoomBuilder
  readonly creator: string
  /** Ids of events that it does not give to anybody who asks. */
  readonly forgotten = new Set<string>()
  /** Asks nobody how deep it is to go for missing events, as many do. */
  goesToTheBeginning = false
  /** Leaves members out when it lets somebody in who asks for it, and names these servers beside its own instead. */
  omits: { readonly servers: readonly string[] } | undefined
  #txn = 0

  private constructor(fake: FakeServer, room: RoomBuilder, creator: string) {
    this.fake = fake
    this.room = room
    this.creator = creator
  }

  static async start(world: World, name = 'peer.test', version = '11'): Promise<Peer> {
    const fake = await FakeServer.start(world, name)
    const creator = `@carol:${name}`
    const room = new RoomBuilder(version)
    room.roomId = `!room:${name}`
    room.create(creator)
    room.join(creator)
    room.state('m.room.power_levels', creator, { users: room.version.privilegedCreators ? {} : { [creator]: 100 } })
    room.state('m.room.join_rules', creator, { join_rule: 'public' })
    const peer = new Peer(fake, room, creator)
    peer.#serve()
    return peer
  }

  /** Another server that answers about the room, and forgets what it forgets. */
  async neighbour(world: World, name: string): Promise<Peer> {
    const neighbour = new Peer(await FakeServer.start(world, name), this.room, `@carol:${name}`)
    neighbour.#serve()
    return neighbour
  }

  /** Events of its room as they are sent. */
  pdus(events: readonly BuiltEvent[]): JsonObject[] {
    return events.map(({ pdu }) => pdu as JsonObject)
  }

  /** Sends events, or whatever takes their place, in one transaction. */
  send(to: Federated, pdus: readonly unknown[], { txnId = `t${++this.#txn}`, edus = [] as unknown[] } = {}) {
    const content = { pdus, edus, origin: this.fake.name, origin_server_ts: 1 } as unknown as JsonObject
    return this.fake.ask(to, 'PUT', `/_matrix/federation/v1/send/${txnId}`, { content })
  }

  /** The paths that it was asked, without queries. */
  get asked(): string[] {
    return this.fake.got.map(({ method, uri }) => `${method} ${uri.split('?')[0]}`)
  }

  #find(id: string): BuiltEvent | undefined {
    return this.forgotten.has(id) ? undefined : this.room.events.find(({ eventId }) => eventId === id)
  }

  #chain(events: readonly BuiltEvent[]): BuiltEvent[] {
    const found = new Set<BuiltEvent>()
    const add = (event: BuiltEvent) => {
      for (const id of authEventIds(event.pdu)) {
        const auth = this.room.events.find(({ eventId }) => eventId === id)
        if (auth && !found.has(auth)) {
          found.add(auth)
          add(auth)
        }
      }
    }
    for (const event of events) add(event)
    return [...found]
  }

  #serve(): void {
    const { fake, room } = this
    const v1 = '/_matrix/federation/v1'
    const keys = { [fake.key.keyId]: { key: fake.key.publicKey } }
    const own = keyOf(fake.name)
    fake.answers.set('GET /_matrix/key/v2/server', () => ({
      body: fake.keyAnswer({ verify_keys: { ...keys, [own.keyId]: { key: own.publicKey } } }),
    }))
    fake.otherwise = ({ method, uri, body }) => {
      const url = new URL(uri, 'https://peer.test')
      const [what = '', ...rest] = url.pathname
        .slice(v1.length + 1)
        .split('/')
        .map(decodeURIComponent)
      if (what === 'make_join') return { body: { room_version: room.version.id, event: this.#template(rest[1] ?? '') } }
      if (method === 'PUT' && url.pathname.includes('/v2/send_join/'))
        return { body: this.#sendJoin(JSON.parse(body), url) }
      if (what === 'send') return { body: { pdus: {} } }
      const answer = this.#answer(what, rest, url.searchParams, body)
      return answer ? { body: answer } : { status: 404, body: { errcode: 'M_NOT_FOUND' } }
    }
  }

  #answer(what: string, path: string[], query: URLSearchParams, body: string): object | undefined {
    const { room } = this
    if (what === 'event') {
      const event = this.#find(path[0] ?? '')
      return event && { pdus: this.pdus([event]) }
    }
    if (what === 'event_auth') {
      const event = this.#find(path[1] ?? '')
      return event && { auth_chain: this.pdus(this.#chain([event]).filter(({ eventId }) => this.#find(eventId))) }
    }
    if (what === 'state_ids' || what === 'state') {
      const event = this.#find(query.get('event_id') ?? '')
      if (!event) return undefined
      const before = room.events.filter(({ eventId }) => prevEventIds(event.pdu).includes(eventId))
      const state = [...room.stateAfter(before).values()]
      const chain = this.#chain(state)
      const ids = (events: readonly BuiltEvent[]) => events.map(({ eventId }) => eventId)
      return what === 'state'
        ? { pdus: this.pdus(state), auth_chain: this.pdus(chain) }
        : { pdu_ids: ids(state), auth_chain_ids: ids(chain) }
    }
    if (what === 'backfill') {
      const latest = query.getAll('v')
      const limit = Number(query.get('limit'))
      const first = latest.flatMap((id) => this.#find(id) ?? [])
      return { pdus: this.pdus([...first, ...this.#between(latest, [], limit)].slice(0, limit)) }
    }
    if (what === 'get_missing_events') {
      const { latest_events: latest, earliest_events: earliest, limit, min_depth: minDepth } = JSON.parse(body)
      const between = this.#between(latest, earliest, limit)
      return { events: this.pdus(between.filter(({ pdu }) => this.goesToTheBeginning || pdu.depth >= minDepth)) }
    }
    return undefined
  }

  #between(latest: string[], earliest: string[], limit: number): BuiltEvent[] {
    const found: BuiltEvent[] = []
    let next = latest
    while (next.length > 0 && found.length < limit) {
      const events = next.flatMap((id) => room(this.room, id))
      const previous = new Set(events.flatMap(({ pdu }) => prevEventIds(pdu)))
      next = [...previous].filter((id) => !earliest.includes(id) && this.#find(id))
      found.push(...next.flatMap((id) => room(this.room, id)))
    }
    return found.slice(0, limit).reverse()
  }

  #template(userId: string): JsonObject {
    const made = this.room.make({
      type: 'm.room.member',
      sender: userId,
      stateKey: userId,
      content: { membership: 'join' },
    })
    const { hashes: _hashes, signatures: _signatures, ...event } = made.pdu
    return event as JsonObject
  }

  #sendJoin(pdu: BuiltEvent['pdu'], { searchParams }: URL): object {
    const state = [...this.room.stateAfter([this.room.last]).values()]
    const join = this.room.receive(pdu)
    const whole = { state: this.pdus(state), auth_chain: this.pdus(this.#chain(state)), event: pdu }
    if (!this.omits || searchParams.get('omit_members') !== 'true') return whole
    const shown = state.filter((event) => event.pdu.type !== 'm.room.member')
    return {
      ...whole,
      state: this.pdus(shown),
      auth_chain: this.pdus(this.#chain([...shown, join])),
      members_omitted: true,
      servers_in_room: [this.fake.name, ...this.omits.servers],
    }
  }
}

const room = (builder: RoomBuilder, id: string): BuiltEvent[] => builder.events.filter(({ eventId }) => eventId === id)
