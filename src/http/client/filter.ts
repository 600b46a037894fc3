import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { filterSchema } from '../../services/sync/filter-schema.ts'
import { route } from '../route.ts'
import { requireSelf } from './own.ts'

const paths = (suffix: string) =>
  ['v3', 'r0'].map((version) => `/_matrix/client/${version}/user/:userId/filter${suffix}`)

export const defineFilter = route(
  {
    id: 'client.defineFilter',
    method: 'POST',
    path: paths(''),
    auth: 'guest',
    params: z.object({ userId }),
    body: filterSchema,
  },
  async ({ requester, params, body }, { filters }) => {
    requireSelf(requester, params.userId)
    return { filter_id: await filters.define(requester.userNid, body) }
  },
)

export const getFilter = route(
  {
    id: 'client.getFilter',
    method: 'GET',
    path: paths('/:filterId'),
    auth: 'guest',
    params: z.object({ userId, filterId: z.string() }),
  },
  async ({ requester, params }, { filters }) => {
    requireSelf(requester, params.userId)
    return filters.get(requester.userNid, params.filterId)
  },
)
