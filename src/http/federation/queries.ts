import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'

export const queryProfile = route(
  {
    id: 'server.queryProfile',
    method: 'GET',
    path: '/_matrix/federation/v1/query/profile',
    auth: 'federation',
    query: z.object({ user_id: userId, field: firstParam.optional() }),
  },
  async ({ requester, query: { user_id, field } }, { profiles }) => {
    const profile = await profiles.getForServer(requester.server, user_id)
    if (field === undefined) return profile
    return Object.hasOwn(profile, field) ? { [field]: profile[field] } : {}
  },
)
