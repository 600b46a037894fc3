import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { boolParam, firstParam, intParam } from '../query.ts'
import { route } from '../route.ts'

export const getSpaceHierarchy = route(
  {
    id: 'client.getSpaceHierarchy',
    method: 'GET',
    path: [
      '/_matrix/client/v1/rooms/:roomId/hierarchy',
      '/_matrix/client/unstable/org.matrix.msc2946/rooms/:roomId/hierarchy',
    ],
    auth: 'user',
    params: z.object({ roomId }),
    query: z.object({
      suggested_only: boolParam.optional(),
      limit: intParam.refine((limit) => limit > 0, 'Less than one room').optional(),
      max_depth: intParam.refine((depth) => depth >= 0, 'Less than no depth').optional(),
      from: firstParam.optional(),
    }),
  },
  async ({ requester, params, query }, { hierarchy }) =>
    hierarchy.page(requester.userId, params.roomId, {
      suggestedOnly: query.suggested_only ?? false,
      limit: query.limit,
      maxDepth: query.max_depth,
      from: query.from,
    }),
)
