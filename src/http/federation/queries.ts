import { z } from 'zod'
import { MatrixError } from '../../matrix/errors.ts'
import { roomAlias, userId } from '../../matrix/ids.ts'
import { publicRoomsBody, publicRoomsParams, publicRoomsQuery } from '../public-rooms-query.ts'
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

export const queryRoomDirectory = route(
  {
    id: 'server.queryRoomDirectory',
    method: 'GET',
    path: '/_matrix/federation/v1/query/directory',
    auth: 'federation',
    query: z.object({ room_alias: roomAlias }),
  },
  async ({ query }, { directory }) => {
    const { roomId: room_id, servers } = await directory.lookUpOwn(query.room_alias)
    return { room_id, servers }
  },
)

/** The queries that the specification names have routes of their own; of others this server knows nothing. */
export const queryInfo = route(
  {
    id: 'server.queryInfo',
    method: 'GET',
    path: '/_matrix/federation/v1/query/:queryType',
    auth: 'federation',
    params: z.object({ queryType: z.string() }),
  },
  async () => {
    throw new MatrixError('M_UNRECOGNIZED', 'There is no such query')
  },
)

const PUBLIC_ROOMS = '/_matrix/federation/v1/publicRooms'

export const getPublicRooms = route(
  {
    id: 'server.getPublicRooms',
    method: 'GET',
    path: PUBLIC_ROOMS,
    auth: 'federation',
    query: publicRoomsParams,
  },
  async ({ query }, { publicRooms }) => publicRooms.list(publicRoomsQuery(query)),
)

export const queryPublicRooms = route(
  { id: 'server.queryPublicRooms', method: 'POST', path: PUBLIC_ROOMS, auth: 'federation', body: publicRoomsBody },
  async ({ body }, { publicRooms }) => publicRooms.list(publicRoomsQuery(body)),
)
