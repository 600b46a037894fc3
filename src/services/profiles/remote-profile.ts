import type { FederationClient } from '../../federation/client.ts'
import { RemoteFailure } from '../../federation/remote-failure.ts'
import type { UserId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'

/** The profile of another server's user, as that server has it now. */
export async function remoteProfile(client: FederationClient, userId: UserId): Promise<JsonObject> {
  try {
    return await client.queries.queryProfile(userId)
  } catch (error) {
    throw error instanceof RemoteFailure ? error.toClient('M_NOT_FOUND', 'M_FORBIDDEN') : error
  }
}
