import { isObject, type Json, type JsonObject } from '../matrix/json.ts'
import { type FederationRequest, pathOf, type SignedClient } from './signed-client.ts'

const MiB = 1024 * 1024
/** The whole state of a large room with its auth chain. */
const STATE = { maxBytes: 200 * MiB, timeoutMs: 120_000 }
const IDS = { maxBytes: 50 * MiB, timeoutMs: 60_000 }
const EVENTS = { maxBytes: 20 * MiB, timeoutMs: 30_000 }
const ONE_EVENT = { maxBytes: MiB, timeoutMs: 15_000 }
const V1 = '/_matrix/federation/v1'
const V2 = '/_matrix/federation/v2'

export interface MissingEventsQuery {
  readonly earliest: readonly string[]
  readonly latest: readonly string[]
  readonly limit: number
  readonly minDepth: number
}

/** What a server says when it lets somebody in. Nothing of it has been checked. */
export interface SentJoin {
  readonly state: readonly Json[]
  readonly authChain: readonly Json[]
  /** The join as that server signed it, where it had to. */
  readonly event: Json | undefined
  readonly membersOmitted: boolean
  readonly servers: readonly string[]
}

/** An event to fill in and sign, and its room's version. */
export interface Template {
  readonly event: JsonObject
  readonly roomVersion: string | undefined
}

type Purpose = 'join' | 'leave' | 'knock'

/** What other servers are asked about rooms, one method for each operation of the specification. */
export class RoomClient {
  readonly #client: Pick<SignedClient, 'send'>

  constructor(client: Pick<SignedClient, 'send'>) {
    this.#client = client
  }

  /** Undefined where the answer holds no event. */
  async getEvent(server: string, eventId: string, signal?: AbortSignal): Promise<Json | undefined> {
    const answer = await this.#get(server, pathOf`/_matrix/federation/v1/event/${eventId}`, {}, ONE_EVENT, signal)
    return listOf(answer.pdus)[0]
  }

  async getEventAuth(server: string, roomId: string, eventId: string, signal?: AbortSignal): Promise<Json[]> {
    const path = pathOf`/_matrix/federation/v1/event_auth/${roomId}/${eventId}`
    return listOf((await this.#get(server, path, {}, EVENTS, signal)).auth_chain)
  }

  async getMissingPreviousEvents(
    server: string,
    roomId: string,
    { earliest, latest, limit, minDepth }: MissingEventsQuery,
    signal?: AbortSignal,
  ): Promise<Json[]> {
    const answer = await this.#client.send(server, {
      method: 'POST',
      path: pathOf`/_matrix/federation/v1/get_missing_events/${roomId}`,
      body: { earliest_events: [...earliest], latest_events: [...latest], limit, min_depth: minDepth },
      ...EVENTS,
      signal,
    })
    return listOf(answer.events)
  }

  async backfillRoom(
    server: string,
    roomId: string,
    from: readonly string[],
    limit: number,
    signal?: AbortSignal,
  ): Promise<Json[]> {
    const path = pathOf`/_matrix/federation/v1/backfill/${roomId}`
    return listOf((await this.#get(server, path, { v: from, limit }, EVENTS, signal)).pdus)
  }

  /** The ids of the state before an event and of its auth chain. */
  async getRoomStateIds(server: string, roomId: string, eventId: string, signal?: AbortSignal) {
    const path = pathOf`/_matrix/federation/v1/state_ids/${roomId}`
    const answer = await this.#get(server, path, { event_id: eventId }, IDS, signal)
    return { state: textsOf(answer.pdu_ids), authChain: textsOf(answer.auth_chain_ids) }
  }

  /** The state before an event and its auth chain. */
  async getRoomState(server: string, roomId: string, eventId: string, signal?: AbortSignal) {
    const path = pathOf`/_matrix/federation/v1/state/${roomId}`
    const answer = await this.#get(server, path, { event_id: eventId }, STATE, signal)
    return { state: listOf(answer.pdus), authChain: listOf(answer.auth_chain) }
  }

  async getEventByTimestamp(
    server: string,
    roomId: string,
    ts: number,
    dir: 'f' | 'b',
    signal?: AbortSignal,
  ): Promise<{ eventId: string; ts: number } | undefined> {
    const path = pathOf`/_matrix/federation/v1/timestamp_to_event/${roomId}`
    const { event_id: eventId, origin_server_ts: at } = await this.#get(server, path, { ts, dir }, ONE_EVENT, signal)
    return typeof eventId === 'string' && typeof at === 'number' ? { eventId, ts: at } : undefined
  }

  /** make_join, make_leave, make_knock. `versions`: the room versions that we know; leaving needs none. */
  async template(
    purpose: Purpose,
    server: string,
    roomId: string,
    userId: string,
    versions?: readonly string[],
  ): Promise<Template> {
    const path = `${V1}/make_${purpose}${pathOf`/${roomId}/${userId}`}`
    const answer = await this.#get(server, path, versions ? { ver: versions } : {}, ONE_EVENT)
    return {
      event: isObject(answer.event) ? answer.event : {},
      roomVersion: typeof answer.room_version === 'string' ? answer.room_version : undefined,
    }
  }

  async sendJoin(
    server: string,
    roomId: string,
    eventId: string,
    event: string,
    omitMembers: boolean,
  ): Promise<SentJoin> {
    const answer = await this.#put(server, `${V2}/send_join${pathOf`/${roomId}/${eventId}`}`, event, {
      ...STATE,
      query: omitMembers ? { omit_members: true } : {},
    })
    return {
      state: listOf(answer.state),
      authChain: listOf(answer.auth_chain),
      event: answer.event,
      membersOmitted: answer.members_omitted === true,
      servers: textsOf(answer.servers_in_room),
    }
  }

  async sendLeave(server: string, roomId: string, eventId: string, event: string): Promise<void> {
    await this.#put(server, `${V2}/send_leave${pathOf`/${roomId}/${eventId}`}`, event, ONE_EVENT)
  }

  /** Gives the stripped state that the knocking user is told. */
  async sendKnock(server: string, roomId: string, eventId: string, event: string): Promise<Json[]> {
    const answer = await this.#put(server, `${V1}/send_knock${pathOf`/${roomId}/${eventId}`}`, event, EVENTS)
    return listOf(answer.knock_room_state)
  }

  /** Gives the invite as the invited server signed it. `body`: JSON text. */
  async sendInviteV2(server: string, roomId: string, eventId: string, body: string): Promise<Json | undefined> {
    return (await this.#put(server, `${V2}/invite${pathOf`/${roomId}/${eventId}`}`, body, ONE_EVENT)).event
  }

  async exchangeThirdPartyInvite(server: string, roomId: string, invite: JsonObject): Promise<void> {
    const path = pathOf`/_matrix/federation/v1/exchange_third_party_invite/${roomId}`
    await this.#put(server, path, JSON.stringify(invite), ONE_EVENT)
  }

  #get(
    server: string,
    path: string,
    query: NonNullable<FederationRequest['query']>,
    bounds: Pick<FederationRequest, 'maxBytes' | 'timeoutMs'>,
    signal?: AbortSignal,
  ): Promise<JsonObject> {
    return this.#client.send(server, { method: 'GET', path, query, ...bounds, signal })
  }

  #put(
    server: string,
    path: string,
    bodyText: string,
    options: Pick<FederationRequest, 'maxBytes' | 'timeoutMs' | 'query'>,
  ): Promise<JsonObject> {
    return this.#client.send(server, { method: 'PUT', path, bodyText, ...options })
  }
}

const listOf = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

const textsOf = (value: Json | undefined): string[] =>
  listOf(value).filter((item): item is string => typeof item === 'string')
