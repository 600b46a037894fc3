import type { GuardedClient } from '../outbound/guarded-client.ts'
import { EventRequests } from './requests/events.ts'
import { MediaRequests } from './requests/media.ts'
import { MembershipRequests } from './requests/memberships.ts'
import { QueryRequests } from './requests/queries.ts'
import type { SignedClient } from './signed-client.ts'

/**
 * The endpoints of other servers, one method each. They throw `RemoteFailure` for whatever goes wrong over there and
 * `M_FORBIDDEN` for a server that we do not talk to. Events come as they were sent, with the values of their numbers:
 * nothing about them has been checked.
 */
export class FederationClient {
  readonly events: EventRequests
  readonly memberships: MembershipRequests
  readonly queries: QueryRequests
  readonly media: MediaRequests

  constructor(client: SignedClient, web: GuardedClient) {
    this.events = new EventRequests(client)
    this.memberships = new MembershipRequests(client)
    this.queries = new QueryRequests(client)
    this.media = new MediaRequests(client, web)
  }
}
