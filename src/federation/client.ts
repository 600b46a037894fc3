import { serverOf, type UserId } from '../matrix/ids.ts'
import type { JsonObject } from '../matrix/json.ts'
import type { SignedClient } from './signed-client.ts'

const QUERY = { maxBytes: 256 * 1024, timeoutMs: 10_000 }

/** The endpoints of other servers, one method each, named after the operation of the specification. */
export class FederationClient {
  readonly #client: SignedClient

  constructor(client: SignedClient) {
    this.#client = client
  }

  queryProfile(userId: UserId, field?: string): Promise<JsonObject> {
    const query = { user_id: userId, field }
    return this.#client.send(serverOf(userId), {
      method: 'GET',
      path: '/_matrix/federation/v1/query/profile',
      query,
      ...QUERY,
    })
  }
}
