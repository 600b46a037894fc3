import type { Logger } from 'pino'
import { isRoomId, type RoomId, serverOf } from '../../../matrix/ids.ts'
import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { hasHeld } from '../../../storage/federation/held-events.ts'
import { EVENT_KIND, listEventStubs } from '../../../storage/rooms/events.ts'
import { Slots } from '../../../util/slots.ts'
import { Turn } from '../../../util/turn.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { PolicyServers } from '../policy/policy-server.ts'
import { isAdmitted } from '../serve/peer-rooms.ts'
import type { EventSignatures } from './event-signatures.ts'
import { type Incoming, type Parsed, parseIncoming } from './incoming.ts'
import { receiveEvents } from './receive-events.ts'
import type { Outcome } from './received-chain.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly rooms: LiveRooms
  readonly signatures: EventSignatures
  readonly log: Logger
  /** Whether events of that server's users are taken: those of others are not, whoever passes them on. */
  mayBelieve(serverName: string): boolean
  /** Told of events whose senders' servers are not believed. */
  onStrangers(origin: string, room: LiveRoom, events: readonly Parsed[]): Promise<void>
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
  /** What the room's policy server says of them. It is asked outside the room's lock. */
  readonly policyServers: Pick<PolicyServers, 'check'>
  /** Keeps events that cannot be judged yet, and looks for what they need. */
  hold(origin: string, room: LiveRoom, events: readonly Incoming[]): Promise<void>
  /** Resolves once none of our users is joining the room, or after a while. */
  joined(roomId: RoomId): Promise<void>
  /** An event in a room that we are not in: it may take back an invite. */
  receiveOutside(origin: string, roomId: RoomId, pdus: readonly unknown[]): Promise<void>
  /** Told of rooms to which something was added. */
  onReceived(room: LiveRoom): Promise<void>
}

/** Why an event was not taken, for the server that sent it; undefined: it was. */
export type Results = Map<string, string | undefined>

/**
 * Rooms whose events are judged at a time. Each gives the turn back every few ms, so that what waits besides them waits
 * for so many slices at most.
 */
const MAX_ROOMS = 3

/** The events of a transaction, room by room. */
export class Inbox {
  readonly #deps: Deps
  readonly #slots = new Slots(MAX_ROOMS)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Never rejects because of what was sent: one bad event never spoils the others. */
  async receive(origin: string, pdus: readonly unknown[]): Promise<Results> {
    const byRoom = Map.groupBy(pdus, (pdu) => (isObject(pdu) && typeof pdu.room_id === 'string' ? pdu.room_id : ''))
    const results: Results = new Map()
    await Promise.all(
      [...byRoom].map(async ([roomId, ofRoom]) => {
        // Without a room no event can be read, so it has no id that an answer could name.
        if (!isRoomId(roomId)) return
        for (const [eventId, error] of await this.#receiveInRoom(origin, roomId, ofRoom)) results.set(eventId, error)
      }),
    )
    return results
  }

  async #receiveInRoom(origin: string, roomId: RoomId, pdus: readonly unknown[]): Promise<Results> {
    const results: Results = new Map()
    const room = await this.#find(roomId)
    if (!room) return results
    if (room.localJoined.size === 0) {
      await this.#deps.receiveOutside(origin, roomId, pdus)
      // What waits for others may put one of ours back in, and nobody may ever name again what came meanwhile.
      if (!(await hasHeld(this.#deps.db, room.nid))) return results
    }
    const parsed = await this.#slots.run(() => this.#parse(origin, room, pdus))
    for (const { eventId } of parsed) results.set(eventId, undefined)
    const refuse = (events: readonly { eventId: string }[], error: string) => {
      for (const { eventId } of events) results.set(eventId, error)
      return results
    }
    if (!(await isAdmitted(room, origin))) return refuse(parsed, 'The room does not admit your server')
    const strangers = parsed.filter(({ pdu }) => !this.#deps.mayBelieve(serverOf(pdu.sender)))
    refuse(strangers, 'We do not federate with the server of the sender')
    if (strangers.length > 0) await this.#deps.onStrangers(origin, room, strangers)
    if (this.#deps.isFrozen(roomId)) return refuse(parsed, 'The room is closed here')
    const fresh = await this.#withoutKnown(parsed.filter((event) => !strangers.includes(event)))
    const checked = await this.#deps.signatures.check(fresh, room.version)
    const events: Incoming[] = []
    for (const [index, event] of checked.entries()) {
      const id = fresh[index]?.eventId ?? ''
      if (typeof event !== 'string') events.push(event)
      else results.set(id, event)
    }
    if (events.length > 0) await this.#append(origin, room, events, results)
    return results
  }

  /**
   * While one of ours joins the room, others take us for members already: what they send then comes in after the join, for
   * nobody may ever name it again.
   */
  async #find(roomId: RoomId): Promise<LiveRoom | undefined> {
    const { rooms, joined } = this.#deps
    const room = await rooms.find(roomId)
    if (room && room.localJoined.size > 0) return room
    await joined(roomId)
    return rooms.find(roomId)
  }

  async #append(origin: string, room: LiveRoom, given: readonly Incoming[], results: Results): Promise<void> {
    const { hold, onReceived, policyServers } = this.#deps
    const { events, unwanted } = await policyServers.check(room, given)
    const outcomes = await this.#slots.run(() => receiveEvents(this.#deps, room.roomId, events, { unwanted }))
    const missing = events.filter(({ eventId }) => outcomes.get(eventId)?.is === 'missing')
    if (missing.length > 0) await hold(origin, room, missing)
    for (const [eventId, outcome] of outcomes) {
      if (outcome.is === 'rejected') results.set(eventId, outcome.reason)
      this.#note(origin, room, eventId, outcome)
    }
    await onReceived(room)
  }

  #note(origin: string, { roomId }: LiveRoom, eventId: string, outcome: Outcome): void {
    if (outcome.is !== 'rejected' && outcome.is !== 'softFailed') return
    const { is, reason } = outcome
    this.#deps.log.info(
      { origin, roomId, eventId, reason },
      is === 'rejected' ? 'rejected an event' : 'soft-failed an event',
    )
  }

  /** What cannot be read is dropped, and not remembered: an honest server may hold a clean copy of it. */
  async #parse(origin: string, room: LiveRoom, pdus: readonly unknown[]): Promise<Parsed[]> {
    const turn = new Turn()
    const found = new Map<string, Parsed>()
    for (const pdu of pdus) {
      const event = parseIncoming(pdu, room.version)
      if (typeof event !== 'string') found.set(event.eventId, event)
      else this.#deps.log.info({ origin, roomId: room.roomId, reason: event }, 'dropped what is no event')
      if (turn.isOver) await turn.give()
    }
    return [...found.values()]
  }

  /** Without those of which nothing new can be learnt, before anybody pays for their signatures. */
  async #withoutKnown(events: readonly Parsed[]): Promise<Parsed[]> {
    const stubs = await listEventStubs(
      this.#deps.db,
      events.map(({ eventId }) => eventId),
    )
    const known = new Set(stubs.flatMap((stub) => (stub.kind === EVENT_KIND.timeline ? stub.event_id : [])))
    return events.filter(({ eventId }) => !known.has(eventId))
  }
}
