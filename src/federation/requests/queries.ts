import { serverOf } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { pathOf, type SignedClient } from '../signed-client.ts'
import { Shape } from './shapes.ts'

const SMALL = { maxBytes: 256 * 1024, timeoutMs: 10_000 }
const LARGE = { maxBytes: 10 * 1024 * 1024, timeoutMs: 30_000 }
/** A page that our client asked for, and gets as it is. */
const PAGE = { maxBytes: 2 * 1024 * 1024, timeoutMs: 30_000 }
/** Somebody waits, and other servers may know the space too. */
const SPACE = { maxBytes: 2 * 1024 * 1024, timeoutMs: 5_000 }
const MAX_SERVERS = 1_000

/** What to ask of a directory: the names that it has in requests. */
interface AskedRooms {
  readonly limit?: number | undefined
  readonly since?: string | undefined
  readonly third_party_instance_id?: string | undefined
  readonly include_all_networks?: boolean | undefined
  readonly filter?: JsonObject | undefined
}

/** Questions about users, aliases, lists of rooms and spaces (spec: server-server API, Querying for information and on). */
export class QueryRequests {
  readonly #client: SignedClient

  constructor(client: SignedClient) {
    this.#client = client
  }

  /** A user's profile, or one field of it. */
  queryProfile(userId: string, field?: string): Promise<JsonObject> {
    const path = '/_matrix/federation/v1/query/profile'
    return this.#client.send(serverOf(userId), { method: 'GET', path, query: { user_id: userId, field }, ...SMALL })
  }

  /** The room that an alias leads to, and servers that are in it. */
  async queryDirectory(alias: string): Promise<{ roomId: string; servers: string[] }> {
    const server = serverOf(alias)
    const path = '/_matrix/federation/v1/query/directory'
    const body = await this.#client.send(server, { method: 'GET', path, query: { room_alias: alias }, ...SMALL })
    const shape = new Shape(server, body)
    return { roomId: shape.text('room_id'), servers: shape.texts('servers', MAX_SERVERS) }
  }

  /** A page of a server's published rooms, in the form that clients get. `filter`: as clients send it. */
  getPublicRooms(server: string, { filter, ...asked }: AskedRooms): Promise<JsonObject> {
    const path = '/_matrix/federation/v1/publicRooms'
    if (!filter) return this.#client.send(server, { method: 'GET', path, query: asked, ...PAGE })
    return this.#client.send(server, { method: 'POST', path, body: { ...asked, filter }, ...PAGE })
  }

  /** A space's room and its children, as far as that server may tell us. */
  getSpaceHierarchy(server: string, roomId: string, suggestedOnly: boolean): Promise<JsonObject> {
    const path = pathOf`/_matrix/federation/v1/hierarchy/${roomId}`
    return this.#client.send(server, { method: 'GET', path, query: { suggested_only: suggestedOnly }, ...SPACE })
  }

  /** All devices of a user, with their keys. */
  getUserDevices(userId: string): Promise<JsonObject> {
    const path = pathOf`/_matrix/federation/v1/user/devices/${userId}`
    return this.#client.send(serverOf(userId), { method: 'GET', path, ...LARGE })
  }

  /** The device keys of several users of a server: `device_keys` as clients send it. */
  queryUserKeys(server: string, deviceKeys: JsonObject, timeoutMs = LARGE.timeoutMs): Promise<JsonObject> {
    const path = '/_matrix/federation/v1/user/keys/query'
    return this.#client.send(server, { method: 'POST', path, body: { device_keys: deviceKeys }, ...LARGE, timeoutMs })
  }

  /** One-time keys of devices of a server's users: `one_time_keys` as clients send it. */
  claimUserKeys(server: string, oneTimeKeys: JsonObject, timeoutMs = LARGE.timeoutMs): Promise<JsonObject> {
    const path = '/_matrix/federation/v1/user/keys/claim'
    return this.#client.send(server, {
      method: 'POST',
      path,
      body: { one_time_keys: oneTimeKeys },
      ...LARGE,
      timeoutMs,
    })
  }
}
