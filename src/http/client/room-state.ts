import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { jsonText, route } from '../route.ts'

const paths = (...suffixes: string[]) =>
  ['v3', 'r0', 'v1'].flatMap((version) => suffixes.map((suffix) => `/_matrix/client/${version}/rooms/:roomId${suffix}`))
const membership = z.enum(['join', 'invite', 'knock', 'leave', 'ban']).optional()

export const getRoomState = route(
  {
    id: 'client.getRoomState',
    method: 'GET',
    path: paths('/state'),
    auth: 'guest',
    params: z.object({ roomId }),
  },
  async ({ requester, params }, { reading }) => jsonText(await reading.listState(requester, params.roomId)),
)

export const getRoomStateWithKey = route(
  {
    id: 'client.getRoomStateWithKey',
    method: 'GET',
    path: paths('/state/:type', '/state/:type/:stateKey'),
    auth: 'guest',
    params: z.object({ roomId, type: z.string(), stateKey: z.string().default('') }),
    query: z.object({ format: z.enum(['content', 'event']).default('content') }),
  },
  async ({ requester, params, query }, { reading }) =>
    jsonText(await reading.getStateEvent(requester, params.roomId, { ...params, ...query })),
)

export const getMembersByRoom = route(
  {
    id: 'client.getMembersByRoom',
    method: 'GET',
    path: paths('/members'),
    auth: 'guest',
    params: z.object({ roomId }),
    query: z.object({ at: z.string().optional(), membership, not_membership: membership }),
  },
  async ({ requester, params, query: { not_membership: notMembership, ...query } }, { reading }) =>
    jsonText(await reading.listMembers(requester, params.roomId, { ...query, notMembership })),
)

export const getJoinedMembersByRoom = route(
  {
    id: 'client.getJoinedMembersByRoom',
    method: 'GET',
    path: paths('/joined_members'),
    auth: 'user',
    params: z.object({ roomId }),
  },
  async ({ requester, params }, { reading }) => jsonText(await reading.listJoinedMembers(requester, params.roomId)),
)
