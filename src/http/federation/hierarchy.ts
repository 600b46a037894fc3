import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { boolParam } from '../query.ts'
import { route } from '../route.ts'

export const getSpaceHierarchy = route(
  {
    id: 'server.getSpaceHierarchy',
    method: 'GET',
    path: '/_matrix/federation/v1/hierarchy/:roomId',
    auth: 'federation',
    params: z.object({ roomId }),
    query: z.object({ suggested_only: boolParam.optional() }),
  },
  async ({ requester, params, query }, { servedHierarchy }) =>
    servedHierarchy.of(requester.server, params.roomId, query.suggested_only ?? false),
)
