import type { JsonObject } from '../../matrix/json.ts'
import { isUnknownEndpoint, RemoteFailure } from '../remote-failure.ts'
import { pathOf, type SignedClient } from '../signed-client.ts'
import { Shape } from './shapes.ts'

const TEMPLATE_BYTES = 256 * 1024
const STATE_BYTES = 256 * 1024 * 1024
const JOIN_TIMEOUT_MS = 300_000
const MAX_STATE = 500_000
const MAX_SERVERS = 50_000
const MAX_STRIPPED = 1_000

/** An event to be completed and signed. */
export interface Template {
  /** Undefined with servers that only know the first rooms. */
  readonly roomVersion: string | undefined
  readonly event: JsonObject
}

/** What a room looks like to a server that has joined it. */
export interface JoinAnswer {
  /** The join as the other server accepted it, with its signature where the room asks for one. */
  readonly event: JsonObject | undefined
  /** The state before the join; without most members, if `membersOmitted`. */
  readonly state: readonly JsonObject[]
  readonly authChain: readonly JsonObject[]
  readonly membersOmitted: boolean
  /** Only with `membersOmitted`. */
  readonly serversInRoom: readonly string[] | undefined
}

/** Joining, leaving, knocking and inviting through another server (spec: server-server API, Joining Rooms and on). */
export class MembershipRequests {
  readonly #client: SignedClient

  constructor(client: SignedClient) {
    this.#client = client
  }

  /** `versions`: room versions that we know. */
  makeJoin(server: string, roomId: string, userId: string, versions: readonly string[], signal?: AbortSignal) {
    return this.#make('make_join', server, roomId, userId, versions, signal)
  }

  makeKnock(server: string, roomId: string, userId: string, versions: readonly string[]) {
    return this.#make('make_knock', server, roomId, userId, versions)
  }

  makeLeave(server: string, roomId: string, userId: string) {
    return this.#make('make_leave', server, roomId, userId)
  }

  /** `omitMembers`: a room of thousands need not send them all at once. */
  async sendJoin(
    server: string,
    roomId: string,
    eventId: string,
    event: JsonObject,
    omitMembers: boolean,
    signal?: AbortSignal,
  ): Promise<JoinAnswer> {
    const request = { method: 'PUT', body: event, maxBytes: STATE_BYTES, timeoutMs: JOIN_TIMEOUT_MS, signal } as const
    const query = { omit_members: omitMembers }
    const body = await this.#client
      .send(server, { ...request, path: pathOf`/_matrix/federation/v2/send_join/${roomId}/${eventId}`, query })
      .catch(
        ifOlder(() =>
          this.#client.send(server, {
            ...request,
            path: pathOf`/_matrix/federation/v1/send_join/${roomId}/${eventId}`,
            isPair: true,
          }),
        ),
      )
    const shape = new Shape(server, body)
    return {
      event: shape.maybeObject('event'),
      state: shape.objects('state', MAX_STATE),
      authChain: shape.objects('auth_chain', MAX_STATE),
      membersOmitted: shape.flag('members_omitted'),
      serversInRoom: shape.maybeTexts('servers_in_room', MAX_SERVERS),
    }
  }

  async sendLeave(server: string, roomId: string, eventId: string, event: JsonObject): Promise<void> {
    const request = { method: 'PUT', body: event, maxBytes: TEMPLATE_BYTES } as const
    await this.#client
      .send(server, { ...request, path: pathOf`/_matrix/federation/v2/send_leave/${roomId}/${eventId}` })
      .catch(
        ifOlder(() =>
          this.#client.send(server, {
            ...request,
            path: pathOf`/_matrix/federation/v1/send_leave/${roomId}/${eventId}`,
            isPair: true,
          }),
        ),
      )
  }

  /** Returns stripped state of the room. */
  async sendKnock(server: string, roomId: string, eventId: string, event: JsonObject): Promise<JsonObject[]> {
    const path = pathOf`/_matrix/federation/v1/send_knock/${roomId}/${eventId}`
    const body = await this.#client.send(server, { method: 'PUT', path, body: event, maxBytes: TEMPLATE_BYTES * 4 })
    return new Shape(server, body).objects('knock_room_state', MAX_STRIPPED)
  }

  /** Returns the invite with the invited server's signature. */
  async sendInvite(
    server: string,
    roomId: string,
    eventId: string,
    { event, roomVersion, inviteRoomState }: { event: JsonObject; roomVersion: string; inviteRoomState: JsonObject[] },
  ): Promise<JsonObject> {
    const request = { method: 'PUT', maxBytes: TEMPLATE_BYTES } as const
    const body = await this.#client
      .send(server, {
        ...request,
        path: pathOf`/_matrix/federation/v2/invite/${roomId}/${eventId}`,
        body: { event, room_version: roomVersion, invite_room_state: inviteRoomState },
      })
      .catch((error: unknown) => {
        // The first form cannot name a version.
        if (!V1_INVITE_VERSIONS.has(roomVersion) || !refusedAsV2(error)) throw error
        return this.#client.send(server, {
          ...request,
          path: pathOf`/_matrix/federation/v1/invite/${roomId}/${eventId}`,
          body: { ...event, unsigned: { invite_room_state: inviteRoomState } },
          isPair: true,
        })
      })
    return new Shape(server, body).object('event')
  }

  async exchangeThirdPartyInvite(server: string, roomId: string, event: JsonObject): Promise<void> {
    const path = pathOf`/_matrix/federation/v1/exchange_third_party_invite/${roomId}`
    await this.#client.send(server, { method: 'PUT', path, body: event, maxBytes: TEMPLATE_BYTES })
  }

  async #make(
    what: string,
    server: string,
    roomId: string,
    userId: string,
    versions?: readonly string[],
    signal?: AbortSignal,
  ): Promise<Template> {
    const body = await this.#client.send(server, {
      method: 'GET',
      path: `/_matrix/federation/v1/${what}/${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`,
      query: { ver: versions },
      maxBytes: TEMPLATE_BYTES,
      signal,
    })
    const shape = new Shape(server, body)
    return { roomVersion: shape.maybeText('room_version'), event: shape.object('event') }
  }
}

const V1_INVITE_VERSIONS = new Set(['1', '2'])

/** Whether an older server may have meant that it knows the first form only (spec: sendInviteV2). */
const refusedAsV2 = (error: unknown): boolean =>
  error instanceof RemoteFailure && (error.status === 400 || error.status === 404)

/** For older servers, which know the first form of an endpoint only (removed from the specification in v1.18). */
const ifOlder =
  <T>(askV1: () => Promise<T>) =>
  (error: unknown): Promise<T> => {
    if (isUnknownEndpoint(error)) return askV1()
    throw error
  }
