import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'

export const getMutualRooms = route(
  {
    id: 'client.getMutualRooms',
    method: 'GET',
    path: '/_matrix/client/v1/mutual_rooms',
    auth: 'user',
    query: z.object({ user_id: userId, from: firstParam.optional() }),
  },
  async ({ requester, query }, { mutualRooms }) => mutualRooms(requester, query.user_id, query.from),
)

/** MSC2666 before it was accepted: tokens have other names. */
export const getMutualRoomsUnstable = route(
  {
    id: 'client.getMutualRoomsUnstable',
    method: 'GET',
    path: '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms',
    auth: 'user',
    query: z.object({ user_id: userId, batch_token: firstParam.optional() }),
  },
  async ({ requester, query }, { mutualRooms }) => {
    const { next_batch, ...page } = await mutualRooms(requester, query.user_id, query.batch_token)
    return { ...page, next_batch_token: next_batch }
  },
)
