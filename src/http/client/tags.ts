import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'
import { requireSelf } from './own.ts'

const paths = (suffix: string) =>
  ['v3', 'r0'].map((version) => `/_matrix/client/${version}/user/:userId/rooms/:roomId/tags${suffix}`)

export const getRoomTags = route(
  { id: 'client.getRoomTags', method: 'GET', path: paths(''), auth: 'user', params: z.object({ userId, roomId }) },
  async ({ requester, params }, { tags, userRooms }) => {
    requireSelf(requester, params.userId)
    return { tags: await tags.of(requester.userNid, await userRooms.nidOf(requester, params.roomId)) }
  },
)

export const setRoomTag = route(
  {
    id: 'client.setRoomTag',
    method: 'PUT',
    path: paths('/:tag'),
    auth: 'user',
    params: z.object({ userId, roomId, tag: z.string() }),
    body: content,
  },
  async ({ requester, params, body }, { tags, userRooms }) => {
    requireSelf(requester, params.userId)
    await tags.set(requester, await userRooms.nidOf(requester, params.roomId), params.tag, body)
    return {}
  },
)

export const deleteRoomTag = route(
  {
    id: 'client.deleteRoomTag',
    method: 'DELETE',
    path: paths('/:tag'),
    auth: 'user',
    params: z.object({ userId, roomId, tag: z.string() }),
  },
  async ({ requester, params }, { tags, userRooms }) => {
    requireSelf(requester, params.userId)
    await tags.delete(requester, await userRooms.nidOf(requester, params.roomId), params.tag)
    return {}
  },
)
