import { z } from 'zod'
import { route } from '../route.ts'

const DEFAULT_LIMIT = 10
const MAX_LIMIT = 50

export const searchUserDirectory = route(
  {
    id: 'client.searchUserDirectory',
    method: 'POST',
    path: ['/_matrix/client/v3/user_directory/search', '/_matrix/client/r0/user_directory/search'],
    auth: 'user',
    body: z.object({ search_term: z.string().max(256), limit: z.int().nonnegative().optional() }),
  },
  async ({ requester, body }, { userDirectory }) => {
    const limit = Math.min(body.limit ?? DEFAULT_LIMIT, MAX_LIMIT)
    const { users, isLimited } = await userDirectory.search(requester.userNid, body.search_term, limit)
    return {
      limited: isLimited,
      results: users.map(({ userId, displayName, avatarUrl }) => ({
        user_id: userId,
        ...(displayName !== undefined && { display_name: displayName }),
        ...(avatarUrl !== undefined && { avatar_url: avatarUrl }),
      })),
    }
  },
)
