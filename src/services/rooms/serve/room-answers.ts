import { badJson, forbidden, notFound } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import type { EventSigner } from '../../../room/signing.ts'
import type { Db } from '../../../storage/db.ts'
import { isPartialEvent } from '../../../storage/federation/partial-rooms.ts'
import { listByTime } from '../../../storage/rooms/timeline.ts'
import type { Clock } from '../../../util/clock.ts'
import { LongText } from '../../../util/long-text.ts'
import type { LiveRoom } from '../live-room.ts'
import { authChainOf } from './auth-chain.ts'
import { walkBack } from './earlier-events.ts'
import { idTexts, pduTexts, shownTo } from './event-texts.ts'
import type { PeerRooms } from './peer-rooms.ts'
import { stateBefore } from './state-at.ts'

interface Deps extends EventSigner {
  readonly db: Db
  readonly clock: Clock
  readonly peerRooms: PeerRooms
  /** Resolves once all members of the room are known; false when that takes longer. */
  whole(roomId: RoomId, timeoutMs: number): Promise<boolean>
}

const MAX_MISSING = 20
const MAX_BACKFILL = 100
const MAX_STARTS = 50
const MAX_CANDIDATES = 20
/** How long another server is kept waiting for a state that is not known yet. */
const PATIENCE_MS = 20_000

export interface MissingQuery {
  readonly earliest: readonly string[]
  readonly latest: readonly string[]
  readonly limit: number
  readonly minDepth: number
}

/**
 * What other servers are told of rooms that they are in, as JSON texts, because most events are sent as they are stored
 * (spec: server-server API, Backfilling and retrieving missing events; Retrieving events).
 */
export class RoomAnswers {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `GET /event/{eventId}`. */
  async event(server: string, eventId: string): Promise<string> {
    const { room, event } = await this.#deps.peerRooms.event(server, eventId)
    return this.#transaction(await shownTo(this.#deps.db, room, server, [event], this.#deps))
  }

  /** `GET /event_auth/{roomId}/{eventId}`. */
  async eventAuth(server: string, roomId: string, eventId: string): Promise<LongText> {
    const { db, peerRooms } = this.#deps
    const { room, event } = await peerRooms.event(server, eventId, roomId)
    return new LongText(
      '{"auth_chain":[',
      await pduTexts(db, room, await authChainOf(db, [event.nid]), this.#deps),
      ']}',
    )
  }

  /** `GET /state/{roomId}`: the state before an event. */
  async state(server: string, roomId: string, eventId: string): Promise<LongText> {
    const { db } = this.#deps
    const { room, state, authChain } = await this.#stateAt(server, roomId, eventId)
    const [pdus, chain] = [await pduTexts(db, room, state, this.#deps), await pduTexts(db, room, authChain, this.#deps)]
    return new LongText('{"pdus":[', pdus, '],"auth_chain":[', chain, ']}')
  }

  /** `GET /state_ids/{roomId}`. */
  async stateIds(server: string, roomId: string, eventId: string): Promise<LongText> {
    const { state, authChain } = await this.#stateAt(server, roomId, eventId)
    const { db } = this.#deps
    const [pduIds, authChainIds] = [await idTexts(db, state), await idTexts(db, authChain)]
    return new LongText('{"pdu_ids":[', pduIds, '],"auth_chain_ids":[', authChainIds, ']}')
  }

  /** `GET /backfill/{roomId}`: these events and what came before them, latest first. */
  async backfill(server: string, roomId: string, from: readonly string[], limit: number): Promise<string> {
    const { db, peerRooms } = this.#deps
    const room = await peerRooms.room(server, roomId)
    const events = await walkBack(db, room, {
      from: from.slice(0, MAX_STARTS),
      limit: Math.min(Math.max(limit, 0), MAX_BACKFILL),
    })
    return this.#transaction(await shownTo(db, room, server, events, this.#deps))
  }

  /** `POST /get_missing_events/{roomId}`: what lies between, earliest first. */
  async missingEvents(server: string, roomId: string, query: MissingQuery): Promise<string> {
    const { db, peerRooms } = this.#deps
    const { room, ids: latest } = await peerRooms.roomAt(server, roomId, query.latest.slice(0, MAX_STARTS))
    const limit = Math.min(Math.max(query.limit, 0), MAX_MISSING)
    const events = await walkBack(db, room, {
      from: latest,
      until: query.earliest.slice(0, MAX_STARTS),
      minDepth: query.minDepth,
      limit: limit + latest.length,
    })
    const between = events.filter(({ eventId }) => !latest.includes(eventId)).slice(0, limit)
    return `{"events":[${(await shownTo(db, room, server, between.reverse(), this.#deps)).join()}]}`
  }

  /** `GET /timestamp_to_event/{roomId}`. */
  async eventNear(server: string, roomId: string, ts: number, dir: 'f' | 'b') {
    const { db, peerRooms } = this.#deps
    const room = await peerRooms.room(server, roomId)
    const [row] = await listByTime(db, room.nid, ts, dir === 'b', MAX_CANDIDATES)
    if (!row) throw notFound('There is no event in this direction')
    return { event_id: row.event_id, origin_server_ts: row.ts }
  }

  async #stateAt(
    server: string,
    roomId: string,
    eventId: string,
  ): Promise<{ room: LiveRoom; state: number[]; authChain: number[] }> {
    const { db, peerRooms, whole } = this.#deps
    if (eventId === '') throw badJson('event_id is missing')
    const { room, event } = await peerRooms.event(server, eventId, roomId)
    if (await isPartialEvent(db, event.nid)) {
      await whole(room.roomId, PATIENCE_MS)
      // What the state really was may have come to nothing of the event.
      if (await isPartialEvent(db, event.nid)) throw forbidden('The state at this event is not known here yet')
      return this.#stateAt(server, roomId, eventId)
    }
    const state = await stateBefore(db, room, event)
    if (!state) throw notFound('The state at this event is not known')
    return { room, state, authChain: await authChainOf(db, state) }
  }

  #transaction(pdus: readonly string[]): string {
    const { serverName, clock } = this.#deps
    return `{"origin":${JSON.stringify(serverName)},"origin_server_ts":${clock.now()},"pdus":[${pdus.join()}]}`
  }
}
