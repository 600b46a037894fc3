import { z } from 'zod'
import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { roomAlias, roomId } from '../../matrix/ids.ts'
import { publicRoomsBody, publicRoomsQuery } from '../public-rooms-query.ts'
import { firstParam, intParam } from '../query.ts'
import { route } from '../route.ts'

const MAX_NETWORK_CHARACTERS = 255

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}${suffix}`)
const byAlias = z.object({ roomAlias })
const byRoom = z.object({ roomId })

export const setRoomAlias = route(
  {
    id: 'client.setRoomAlias',
    method: 'PUT',
    path: paths('/directory/room/:roomAlias'),
    auth: 'user',
    refusesSuspended: true,
    params: byAlias,
    body: z.object({ room_id: roomId }),
  },
  async ({ requester, params, body }, { directory }) => {
    await directory.setAlias(requester, params.roomAlias, body.room_id)
    return {}
  },
)

export const getRoomIdByAlias = route(
  {
    id: 'client.getRoomIdByAlias',
    method: 'GET',
    path: paths('/directory/room/:roomAlias'),
    auth: 'optional',
    params: byAlias,
  },
  async ({ requester, params }, { directory }) => {
    // A stranger cannot have us ask other servers.
    const { roomId: room_id, servers } = requester
      ? await directory.lookUp(params.roomAlias)
      : await directory.lookUpOwn(params.roomAlias)
    return { room_id, servers }
  },
)

export const deleteRoomAlias = route(
  {
    id: 'client.deleteRoomAlias',
    method: 'DELETE',
    path: paths('/directory/room/:roomAlias'),
    auth: 'user',
    params: byAlias,
  },
  async ({ requester, params }, { directory }) => {
    await directory.deleteAlias(requester, params.roomAlias)
    return {}
  },
)

export const getLocalAliases = route(
  {
    id: 'client.getLocalAliases',
    method: 'GET',
    path: [...paths('/rooms/:roomId/aliases'), '/_matrix/client/unstable/org.matrix.msc2432/rooms/:roomId/aliases'],
    auth: 'user',
    params: byRoom,
  },
  async ({ requester, params }, { directory }) => ({
    aliases: await directory.aliasesOf(requester.userId, params.roomId),
  }),
)

export const getRoomVisibilityOnDirectory = route(
  {
    id: 'client.getRoomVisibilityOnDirectory',
    method: 'GET',
    path: paths('/directory/list/room/:roomId'),
    auth: 'none',
    params: byRoom,
  },
  async ({ params }, { directory }) => ({
    visibility: (await directory.isPublished(params.roomId)) ? 'public' : 'private',
  }),
)

export const setRoomVisibilityOnDirectory = route(
  {
    id: 'client.setRoomVisibilityOnDirectory',
    method: 'PUT',
    path: paths('/directory/list/room/:roomId'),
    auth: 'user',
    refusesSuspended: true,
    params: byRoom,
    body: z.object({ visibility: z.enum(['public', 'private']).optional() }),
  },
  async ({ requester, params, body }, { directory }) => {
    await directory.publish(requester, params.roomId, body.visibility !== 'private')
    return {}
  },
)

export const updateAppserviceRoomDirectoryVisibility = route(
  {
    id: 'client.updateAppserviceRoomDirectoryVisibility',
    method: 'PUT',
    path: paths('/directory/list/appservice/:networkId/:roomId'),
    auth: 'user',
    params: z.object({ networkId: z.string().max(MAX_NETWORK_CHARACTERS), roomId }),
    body: z.object({ visibility: z.enum(['public', 'private']) }),
  },
  async ({ requester: { appservice }, params, body }, { publishInNetwork }) => {
    if (!appservice) throw forbidden('Only application services have directories of networks')
    await publishInNetwork(appservice, params.networkId, params.roomId, body.visibility === 'public')
    return {}
  },
)

export const getPublicRooms = route(
  {
    id: 'client.getPublicRooms',
    method: 'GET',
    path: paths('/publicRooms'),
    auth: 'optional',
    query: z.object({ limit: intParam.optional(), since: firstParam.optional(), server: firstParam.optional() }),
  },
  async ({ requester, query: { server, limit, since } }, { publicRooms, remoteDirectory, serverName }) => {
    if (server === undefined || server === serverName) return publicRooms.list({ limit, since })
    if (!requester) throw new MatrixError('M_MISSING_TOKEN', 'Log in to see what other servers publish')
    return remoteDirectory.publicRooms(server, { limit, since })
  },
)

export const queryPublicRooms = route(
  {
    id: 'client.queryPublicRooms',
    method: 'POST',
    path: paths('/publicRooms'),
    auth: 'user',
    query: z.object({ server: firstParam.optional() }),
    body: publicRoomsBody,
  },
  async ({ query: { server }, body }, { publicRooms, remoteDirectory, serverName }) => {
    const query = publicRoomsQuery(body)
    const isOwn = server === undefined || server === serverName
    return isOwn ? publicRooms.list(query) : remoteDirectory.publicRooms(server, query)
  },
)
