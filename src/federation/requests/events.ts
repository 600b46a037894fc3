import type { JsonObject } from '../../matrix/json.ts'
import { pathOf, type SignedClient } from '../signed-client.ts'
import { Shape } from './shapes.ts'

/** One event is at most 64 KiB; a long list of ids or events is bounded by these. */
const EVENT_BYTES = 256 * 1024
const EVENTS_BYTES = 16 * 1024 * 1024
const STATE_BYTES = 256 * 1024 * 1024
const STATE_TIMEOUT_MS = 180_000
const MAX_EVENTS = 1_000
const MAX_STATE = 500_000

/** What an answer with a state may take; by default what that of the largest room does. */
interface StateBounds {
  readonly maxBytes?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** Events of rooms that another server has (spec: server-server API, Backfilling …, Retrieving events). */
export class EventRequests {
  readonly #client: SignedClient

  constructor(client: SignedClient) {
    this.#client = client
  }

  /** `GET /event`: the event, whatever it is. `M_NOT_FOUND` is a failure with that errcode. */
  async getEvent(server: string, eventId: string, signal?: AbortSignal): Promise<JsonObject> {
    const path = pathOf`/_matrix/federation/v1/event/${eventId}`
    const body = await this.#client.send(server, { method: 'GET', path, maxBytes: EVENT_BYTES, signal })
    const [event] = new Shape(server, body).objects('pdus', 1)
    return event ?? {}
  }

  /** `GET /backfill`: up to `limit` events, those named and what precedes them. */
  async backfill(server: string, roomId: string, eventIds: readonly string[], limit: number): Promise<JsonObject[]> {
    const body = await this.#client.send(server, {
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/backfill/${roomId}`,
      query: { v: eventIds, limit },
      maxBytes: EVENTS_BYTES,
    })
    return new Shape(server, body).objects('pdus', MAX_EVENTS)
  }

  /** `POST /get_missing_events`: events between those that we have and those that we were sent. */
  async getMissingEvents(
    server: string,
    roomId: string,
    {
      earliest,
      latest,
      limit,
      minDepth = 0,
    }: { earliest: readonly string[]; latest: readonly string[]; limit: number; minDepth?: number },
  ): Promise<JsonObject[]> {
    const body = await this.#client.send(server, {
      method: 'POST',
      path: pathOf`/_matrix/federation/v1/get_missing_events/${roomId}`,
      body: { earliest_events: [...earliest], latest_events: [...latest], limit, min_depth: minDepth },
      maxBytes: EVENTS_BYTES,
    })
    return new Shape(server, body).objects('events', MAX_EVENTS)
  }

  /** `GET /state`: the room's state before an event, with its auth chain. */
  async getRoomState(
    server: string,
    roomId: string,
    eventId: string,
    bounds: StateBounds = {},
  ): Promise<{ state: JsonObject[]; authChain: JsonObject[] }> {
    const shape = await this.#state('state', server, roomId, eventId, bounds)
    return { state: shape.objects('pdus', MAX_STATE), authChain: shape.objects('auth_chain', MAX_STATE) }
  }

  /** `GET /state_ids`: the same as ids. */
  async getRoomStateIds(
    server: string,
    roomId: string,
    eventId: string,
    bounds: StateBounds = {},
  ): Promise<{ stateIds: string[]; authChainIds: string[] }> {
    const shape = await this.#state('state_ids', server, roomId, eventId, bounds)
    return { stateIds: shape.texts('pdu_ids', MAX_STATE), authChainIds: shape.texts('auth_chain_ids', MAX_STATE) }
  }

  /** `GET /event_auth`: the auth chain of an event. */
  async getEventAuth(server: string, roomId: string, eventId: string): Promise<JsonObject[]> {
    const body = await this.#client.send(server, {
      method: 'GET',
      path: pathOf`/_matrix/federation/v1/event_auth/${roomId}/${eventId}`,
      maxBytes: EVENTS_BYTES,
      timeoutMs: STATE_TIMEOUT_MS,
    })
    return new Shape(server, body).objects('auth_chain', MAX_STATE)
  }

  /** `GET /timestamp_to_event`: the event nearest to a time, forwards or backwards of it. */
  async getEventByTimestamp(
    server: string,
    roomId: string,
    ts: number,
    dir: 'f' | 'b',
  ): Promise<{ eventId: string; originServerTs: number }> {
    const path = pathOf`/_matrix/federation/v1/timestamp_to_event/${roomId}`
    const query = { ts, dir }
    const body = await this.#client.send(server, { method: 'GET', path, query, maxBytes: EVENT_BYTES })
    const shape = new Shape(server, body)
    return { eventId: shape.text('event_id'), originServerTs: shape.number('origin_server_ts') }
  }

  /** Asks a room's policy server to sign an event (spec: Policy Servers): its signatures, empty where it will not. */
  askPolicyServerToSign(server: string, event: JsonObject, timeoutMs: number): Promise<JsonObject> {
    const path = '/_matrix/policy/v1/sign'
    return this.#client.send(server, { method: 'POST', path, body: event, maxBytes: EVENT_BYTES, timeoutMs })
  }

  async #state(
    what: string,
    server: string,
    roomId: string,
    eventId: string,
    { maxBytes = STATE_BYTES, signal }: StateBounds,
  ): Promise<Shape> {
    const body = await this.#client.send(server, {
      method: 'GET',
      path: `/_matrix/federation/v1/${what}/${encodeURIComponent(roomId)}`,
      query: { event_id: eventId },
      maxBytes: Math.min(maxBytes, STATE_BYTES),
      timeoutMs: STATE_TIMEOUT_MS,
      signal,
    })
    return new Shape(server, body)
  }
}
