import { z } from 'zod'
import { MatrixError, missingParam } from '../../matrix/errors.ts'
import { roomId, userId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { listParam } from '../query.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

const paths = (suffix: string) => ['v3', 'r0', 'v1'].map((version) => `/_matrix/client/${version}${suffix}`)
const inRoom = z.object({ roomId })
const inRoomOrAlias = z.object({ roomIdOrAlias: z.string() })
const reason = z.string().optional()
const targeted = z.object({ user_id: userId, reason })
/** Servers to join through, and the older name of the parameter. */
const via = z.object({ via: listParam.optional(), server_name: listParam.optional() })
/** The rest of the body becomes content of the member event, as clients expect of every other server. */
const joining = z.looseObject({ reason, third_party_signed: content.optional() })

const joinOptions = (body: z.output<typeof joining>, servers: readonly string[]) => {
  // Who vouches for a join is for this server to say.
  const { third_party_signed: thirdPartySigned, join_authorised_via_users_server: _, ...extra } = body
  return { extra: extra as JsonObject, thirdPartySigned, via: servers }
}

const serversIn = ({ via: servers = [], server_name: named = [] }: z.output<typeof via>): string[] => [
  ...servers,
  ...named,
]

export const joinRoomById = route(
  {
    id: 'client.joinRoomById',
    method: 'POST',
    path: paths('/rooms/:roomId/join'),
    auth: 'guest',
    limit: 'join',
    params: inRoom,
    query: via,
    body: joining,
  },
  async ({ requester, params, query, body }, { joins }) => ({
    room_id: await joins.join(requester, params.roomId, joinOptions(body, serversIn(query))),
  }),
)

export const joinRoom = route(
  {
    id: 'client.joinRoom',
    method: 'POST',
    path: paths('/join/:roomIdOrAlias'),
    auth: 'user',
    limit: 'join',
    params: inRoomOrAlias,
    query: via,
    body: joining,
  },
  async ({ requester, params, query, body }, { joins, directory }) => {
    const { roomId: found, servers } = await directory.resolve(params.roomIdOrAlias)
    const options = joinOptions(body, [...serversIn(query), ...servers])
    return { room_id: await joins.join(requester, found, options) }
  },
)

export const knockRoom = route(
  {
    id: 'client.knockRoom',
    method: 'POST',
    path: paths('/knock/:roomIdOrAlias'),
    auth: 'user',
    limit: 'join',
    refusesSuspended: true,
    params: inRoomOrAlias,
    query: via,
    body: z.object({ reason }),
  },
  async ({ requester, params, query, body }, { memberships, directory }) => {
    const { roomId: found, servers } = await directory.resolve(params.roomIdOrAlias)
    const through = [...serversIn(query), ...servers]
    return { room_id: await memberships.knock(requester.userId, found, body.reason, through) }
  },
)

export const inviteUser = route(
  {
    id: 'client.inviteUser',
    method: 'POST',
    path: paths('/rooms/:roomId/invite'),
    auth: 'user',
    limit: 'invite',
    refusesSuspended: true,
    params: inRoom,
    body: z.object({ user_id: userId.optional(), reason, medium: z.string().optional() }),
  },
  async ({ requester, params, body }, { memberships }) => {
    const { user_id: target, reason: why, medium } = body
    if (medium !== undefined) throw new MatrixError('M_THREEPID_DENIED', 'This server invites users by their ids only')
    if (target === undefined) throw missingParam('Missing user_id')
    await memberships.invite({ sender: requester.userId, roomId: params.roomId, target, reason: why })
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
      refusesSuspended: true,
      params: inRoom,
      body: targeted,
    },
    async ({ requester, params, body }, { memberships }) => {
      const { user_id: target, reason: why } = body
      await memberships[id]({ sender: requester.userId, roomId: params.roomId, target, reason: why })
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
