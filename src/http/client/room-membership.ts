import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

const paths = (suffix: string) => ['v3', 'r0', 'v1'].map((version) => `/_matrix/client/${version}${suffix}`)
const inRoom = z.object({ roomId })
const reason = z.string().optional()
const targeted = z.object({ user_id: userId, reason })
/** `via` (repeatable) and its older name. */
const via = z.object({ via: z.array(z.string()).optional(), server_name: z.array(z.string()).optional() })

export const joinRoomById = route(
  {
    id: 'client.joinRoomById',
    method: 'POST',
    path: paths('/rooms/:roomId/join'),
    auth: 'guest',
    limit: 'join',
    params: inRoom,
    body: content,
  },
  async ({ requester, params, body }, { memberships }) => ({
    room_id: await memberships.join(
      requester.userId,
      params.roomId,
      typeof body.reason === 'string' ? { reason: body.reason } : {},
    ),
  }),
)

export const joinRoom = route(
  {
    id: 'client.joinRoom',
    method: 'POST',
    path: paths('/join/:roomIdOrAlias'),
    auth: 'guest',
    limit: 'join',
    params: z.object({ roomIdOrAlias: z.string() }),
    query: via,
    body: content,
  },
  async ({ requester, params, body }, { memberships, directory }) => {
    const roomId = await directory.resolve(params.roomIdOrAlias)
    const extra = typeof body.reason === 'string' ? { reason: body.reason } : {}
    return { room_id: await memberships.join(requester.userId, roomId, extra) }
  },
)

export const knockRoom = route(
  {
    id: 'client.knockRoom',
    method: 'POST',
    path: paths('/knock/:roomIdOrAlias'),
    auth: 'user',
    limit: 'join',
    params: z.object({ roomIdOrAlias: z.string() }),
    query: via,
    body: z.object({ reason }),
  },
  async ({ requester, params, body }, { memberships, directory }) => {
    const roomId = await directory.resolve(params.roomIdOrAlias)
    return { room_id: await memberships.knock(requester.userId, roomId, body.reason) }
  },
)

export const inviteUser = route(
  {
    id: 'client.inviteUser',
    method: 'POST',
    path: paths('/rooms/:roomId/invite'),
    auth: 'user',
    limit: 'invite',
    params: inRoom,
    body: targeted,
  },
  async ({ requester, params, body }, { memberships }) => {
    await memberships.invite({
      sender: requester.userId,
      roomId: params.roomId,
      target: body.user_id,
      reason: body.reason,
    })
    return {}
  },
)

export const leaveRoom = route(
  {
    id: 'client.leaveRoom',
    method: 'POST',
    path: paths('/rooms/:roomId/leave'),
    auth: 'guest',
    params: inRoom,
    body: z.object({ reason }),
  },
  async ({ requester, params, body }, { memberships }) => {
    await memberships.leave({ sender: requester.userId, roomId: params.roomId, reason: body.reason })
    return {}
  },
)

export const forgetRoom = route(
  {
    id: 'client.forgetRoom',
    method: 'POST',
    path: paths('/rooms/:roomId/forget'),
    auth: 'user',
    params: inRoom,
  },
  async ({ requester, params }, { memberships }) => {
    await memberships.forget(requester.userId, params.roomId)
    return {}
  },
)

const acting = (id: 'kick' | 'ban' | 'unban') =>
  route(
    {
      id: `client.${id}`,
      method: 'POST',
      path: paths(`/rooms/:roomId/${id}`),
      auth: 'user',
      params: inRoom,
      body: targeted,
    },
    async ({ requester, params, body }, { memberships }) => {
      await memberships[id]({
        sender: requester.userId,
        roomId: params.roomId,
        target: body.user_id,
        reason: body.reason,
      })
      return {}
    },
  )
export const kick = acting('kick')
export const ban = acting('ban')
export const unban = acting('unban')

export const getJoinedRooms = route(
  { id: 'client.getJoinedRooms', method: 'GET', path: paths('/joined_rooms'), auth: 'user' },
  async ({ requester }, { memberships }) => ({ joined_rooms: await memberships.joinedRooms(requester.userNid) }),
)
