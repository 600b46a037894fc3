import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { UserId } from '../../../matrix/ids.ts'
import type { MemberProfile } from '../membership/member-profile.ts'

/**
 * How an invite shows a user of another server: as that server says, so that a room of two is called by a name and not
 * by an id until it is accepted. A server that does not say is no reason not to invite.
 */
export async function invitedProfile(client: FederationClient, userId: UserId): Promise<MemberProfile> {
  try {
    const { displayname, avatar_url } = await client.queries.queryProfile(userId)
    return {
      ...(typeof displayname === 'string' && { displayname }),
      ...(typeof avatar_url === 'string' && { avatar_url }),
    }
  } catch (error) {
    if (error instanceof RemoteFailure) return {}
    throw error
  }
}
