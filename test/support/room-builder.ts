import { createHash } from 'node:crypto'
import { serverOf } from '../../src/matrix/ids.ts'
import type { JsonObject } from '../../src/matrix/json.ts'
import { SigningKey } from '../../src/matrix/signing-key.ts'
import { authTypesFor } from '../../src/room/auth-types.ts'
import { authEventIds, type Pdu } from '../../src/room/event.ts'
import { eventIdOf, referenceHash, roomIdOf } from '../../src/room/hashes.ts'
import type { GraphEvent } from '../../src/room/resolve/known.ts'
import { signEvent } from '../../src/room/signing.ts'
import { stateKeyOf } from '../../src/room/state-key.ts'
import { type RoomVersion, roomVersion } from '../../src/room/versions.ts'
import { resolveInMemory } from './resolve-in-memory.ts'

export type State = ReadonlyMap<string, BuiltEvent>

/** A signed event with its place in the auth graph. */
export interface BuiltEvent extends GraphEvent {
  /** Position in the order in which the room was built. */
  readonly nid: number
}

export interface EventDraft {
  type: string
  sender: string
  stateKey?: string
  content?: JsonObject
  /** Milliseconds; by default each event is sent one second after the one that was built before it. */
  ts?: number
  /** The events it follows; by default the one that was built before it. */
  after?: readonly BuiltEvent[]
  /** What its auth events are selected from; by default the state after `after`. */
  authState?: State
  redacts?: string
}

/**
 * Builds the events of a room as servers send them: hashed, signed by the sender's server, with prev_events, auth_events
 * and depth filled in. It refuses nothing: whether the rules allow an event is what tests ask. State events enter the
 * state of their branch, and the states of branches that an event joins are resolved.
 */
export class RoomBuilder {
  readonly version: RoomVersion
  readonly events: BuiltEvent[] = []
  roomId = '!room:hs1'
  readonly #after = new Map<BuiltEvent, State>()

  constructor(version = '12') {
    const known = roomVersion(version)
    if (!known) throw new Error(`There is no room version ${version}`)
    this.version = known
  }

  /** A public room: create event, the creator's join, power levels (the creator's 100 where that can be said), join rules. */
  static public(version?: string, creator = '@alice:hs1', powerLevels: JsonObject = {}): RoomBuilder {
    const room = new RoomBuilder(version)
    room.create(creator)
    room.join(creator)
    const users = room.version.privilegedCreators ? {} : { [creator]: 100 }
    room.state('m.room.power_levels', creator, { users, ...powerLevels })
    room.state('m.room.join_rules', creator, { join_rule: 'public' })
    return room
  }

  get last(): BuiltEvent {
    const last = this.events.at(-1)
    if (!last) throw new Error('The room has no events yet')
    return last
  }

  get createEvent(): BuiltEvent {
    const [create] = this.events
    if (!create) throw new Error('The room has no events yet')
    return create
  }

  create(creator: string, content: JsonObject = {}): BuiltEvent {
    const { id, implicitCreator } = this.version
    const said = { room_version: id, ...(!implicitCreator && { creator }), ...content }
    const create = this.send({ type: 'm.room.create', sender: creator, stateKey: '', content: said, after: [] })
    this.roomId = roomIdOf(create.pdu, this.version)
    return create
  }

  state(type: string, sender: string, content: JsonObject, options: Partial<EventDraft> = {}): BuiltEvent {
    return this.send({ type, sender, stateKey: '', content, ...options })
  }

  join(userId: string, options: Partial<EventDraft> = {}): BuiltEvent {
    return this.member(userId, userId, 'join', options)
  }

  member(sender: string, target: string, membership: string, options: Partial<EventDraft> = {}): BuiltEvent {
    return this.send({ type: 'm.room.member', sender, stateKey: target, content: { membership }, ...options })
  }

  message(sender: string, options: Partial<EventDraft> = {}): BuiltEvent {
    return this.send({ type: 'm.room.message', sender, content: { body: 'hello' }, ...options })
  }

  send(draft: EventDraft): BuiltEvent {
    const event = this.make(draft)
    this.add(event, draft.after ?? (event.nid === 0 ? [] : [this.last]))
    return event
  }

  /** Makes the next event without adding it to the room. */
  make(draft: EventDraft): BuiltEvent {
    const after = draft.after ?? [this.last]
    const before = draft.authState ?? this.stateAfter(after)
    const pdu = this.#unsigned(draft, after)
    const auth = authTypesFor(pdu, this.version).flatMap((tuple) => before.get(stateKeyOf(...tuple)) ?? [])
    pdu.auth_events = auth.map((event) => this.#reference(event))
    const server = serverOf(draft.sender)
    const signed = signEvent(pdu, this.version, server, keyOf(server))
    return {
      eventId: signed.eventId,
      pdu: signed.pdu,
      nid: this.events.length,
      authNids: auth.map(({ nid }) => nid),
      authRank: 1 + auth.reduce((highest, { authRank }) => Math.max(highest, authRank), 0),
    }
  }

  /** Adds the event that was made last. */
  add(event: BuiltEvent, after: readonly BuiltEvent[]): void {
    this.#after.set(event, withEvent(this.stateAfter(after), event))
    this.events.push(event)
  }

  /** Adds an event that another server made, after the last one here. */
  receive(pdu: Pdu): BuiltEvent {
    const named = new Set(authEventIds(pdu))
    const auth = this.events.filter(({ eventId }) => named.has(eventId))
    const event: BuiltEvent = {
      eventId: eventIdOf(pdu, this.version),
      pdu,
      nid: this.events.length,
      authNids: auth.map(({ nid }) => nid),
      authRank: 1 + auth.reduce((highest, { authRank }) => Math.max(highest, authRank), 0),
    }
    this.add(event, [this.last])
    return event
  }

  /** The state after some events: of one that of its branch, of several their resolution. */
  stateAfter(events: readonly BuiltEvent[]): State {
    const states = events.map((event) => this.#after.get(event) ?? new Map())
    return states.length === 1 && states[0] ? states[0] : this.resolve(states)
  }

  /** The resolution of some states. */
  resolve(states: readonly State[]): State {
    if (states.length === 0) return new Map()
    return resolveInMemory(states, { events: this.events, create: this.createEvent, version: this.version })
  }

  #unsigned({ type, sender, stateKey, content = {}, ts, redacts }: EventDraft, after: readonly BuiltEvent[]): Pdu {
    const { createHashRoomId, eventId, redactsInContent } = this.version
    return {
      type,
      sender,
      ...(!(createHashRoomId && type === 'm.room.create') && { room_id: this.roomId }),
      ...(stateKey !== undefined && { state_key: stateKey }),
      content: redacts !== undefined && redactsInContent ? { ...content, redacts } : content,
      ...(redacts !== undefined && !redactsInContent && { redacts }),
      ...(eventId === 'random' && { event_id: `$${this.events.length}:${serverOf(sender)}` }),
      depth: 1 + after.reduce((deepest, { pdu }) => Math.max(deepest, Number(pdu.depth)), 0),
      origin_server_ts: ts ?? 1_700_000_000_000 + 1000 * this.events.length,
      prev_events: after.map((event) => this.#reference(event)),
      auth_events: [],
    }
  }

  #reference(event: BuiltEvent): unknown {
    if (this.version.eventId !== 'random') return event.eventId
    return [event.eventId, { sha256: referenceHash(event.pdu, this.version) }]
  }
}

const withEvent = (state: State, event: BuiltEvent): State => {
  if (event.pdu.state_key === undefined) return state
  return new Map(state).set(stateKeyOf(event.pdu.type, event.pdu.state_key), event)
}

const keys = new Map<string, SigningKey>()

/** A server's signing key: always the same. */
export function keyOf(server: string): SigningKey {
  const known = keys.get(server)
  if (known) return known
  const key = new SigningKey('test', createHash('sha256').update(server).digest())
  keys.set(server, key)
  return key
}
