import type { FederationClient } from '../../federation/client.ts'
import { RemoteFailure } from '../../federation/remote-failure.ts'
import { isRoomId, isServerName, type RoomAlias, type RoomId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { PublicRoomsQuery } from '../rooms/directory/public-rooms.ts'

/** Servers that are tried to join a room that an alias leads to. */
const MAX_SERVERS = 50

/** The directories of other servers. What our clients may not be told of their failures stays here. */
export class RemoteDirectory {
  readonly #client: FederationClient

  constructor(client: FederationClient) {
    this.#client = client
  }

  /** The room that an alias of another server leads to, and servers that are in it; `M_NOT_FOUND` where there is none. */
  async lookUp(alias: RoomAlias): Promise<{ roomId: RoomId; servers: string[] }> {
    const { roomId, servers } = await answered(this.#client.queries.queryDirectory(alias))
    if (!isRoomId(roomId)) throw new RemoteFailure(alias, 'named a room that is none').toClient()
    return { roomId, servers: servers.filter(isServerName).slice(0, MAX_SERVERS) }
  }

  /** A page of what another server publishes. */
  publicRooms(server: string, query: PublicRoomsQuery): Promise<JsonObject> {
    const { limit, since, search, roomTypes, network, includesAllNetworks } = query
    const filter: JsonObject = {
      ...(search !== undefined && { generic_search_term: search }),
      ...(roomTypes && { room_types: roomTypes }),
    }
    const isFiltered = Object.keys(filter).length > 0
    return answered(
      this.#client.queries.getPublicRooms(server, {
        limit,
        since,
        filter: isFiltered ? filter : undefined,
        third_party_instance_id: network,
        include_all_networks: includesAllNetworks,
      }),
    )
  }
}

async function answered<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw error instanceof RemoteFailure ? error.toClient('M_NOT_FOUND') : error
  }
}
