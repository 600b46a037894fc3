import { forbidden } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import type { Db } from '../../../storage/db.ts'
import { findEvent } from '../../../storage/rooms/events.ts'
import type { Clock } from '../../../util/clock.ts'
import { Chain } from '../append/chain.ts'
import { loadKnown } from '../append/known.ts'
import type { Append } from '../append.ts'
import type { SendRequest, Sent } from '../draft.ts'
import { txnKey } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import { receiveEvents } from '../receive/receive-events.ts'
import type { PolicyServers } from './policy-server.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly append: Append
  readonly rooms: LiveRooms
  readonly policyServers: PolicyServers
  readonly serverName: string
  readonly signingKey: SigningKey
  random(bytes: number): Uint8Array
}

/**
 * Our events in rooms that have a policy server, which signs each before it enters the room (spec: server-server API,
 * Policy Servers). It is asked outside the room's lock; what happens in the room meanwhile makes a fork.
 */
export class RecommendedSends {
  readonly #deps: Deps
  readonly #sending = new Map<string, Promise<Sent>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Sends the event; undefined where nobody has to be asked. Throws what the policy server says against it. */
  async send(roomId: RoomId, request: SendRequest): Promise<Sent | undefined> {
    const { rooms, policyServers } = this.#deps
    const room = rooms.peek(roomId) ?? (await rooms.find(roomId))
    if (!room || !(await policyServers.isAskedFor(room))) return undefined
    const key = request.txn && `${roomId} ${txnKey(request.txn)}`
    if (key === undefined) return this.#send(room, request)
    // The same request twice at once is one event.
    const same = this.#sending.get(key)
    if (same) return same
    const sending = this.#send(room, request).finally(() => this.#sending.delete(key))
    this.#sending.set(key, sending)
    return sending
  }

  async #send(room: LiveRoom, request: SendRequest): Promise<Sent> {
    const { db, clock, policyServers } = this.#deps
    const known = await loadKnown(db, room, [request], true)
    const chain = new Chain(this.#deps, room, known, clock.now(), true)
    const { eventId, pdu, row, pos } = chain.add(request)
    const [entry] = chain.entries
    if (!entry) return { eventId, pos }
    const event = await policyServers.recommended(room, { eventId, pdu, json: row.json })
    const { txn, strippedState } = entry
    const outcomes = await receiveEvents(this.#deps, room.roomId, [event], {
      outgoing: {},
      own: { txn, strippedState },
    })
    const outcome = outcomes.get(eventId)
    if (outcome?.is === 'rejected' || outcome?.is === 'softFailed') throw forbidden(outcome.reason)
    const stored = await findEvent(db, eventId)
    if (stored?.pos == null) throw new Error('An event that was just sent is not there')
    return { eventId, pos: stored.pos }
  }
}
