import { z } from 'zod'
import { notFound } from '../../matrix/errors.ts'
import { roomAlias, roomId } from '../../matrix/ids.ts'
import { firstParam, intParam } from '../query.ts'
import { route } from '../route.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}${suffix}`)
const byAlias = z.object({ roomAlias })
const byRoom = z.object({ roomId })

export const setRoomAlias = route(
  {
    id: 'client.setRoomAlias',
    method: 'PUT',
    path: paths('/directory/room/:roomAlias'),
    auth: 'user',
    params: byAlias,
    body: z.object({ room_id: roomId }),
  },
  async ({ requester, params, body }, { directory }) => {
    await directory.setAlias(requester.userId, params.roomAlias, body.room_id)
    return {}
  },
)

export const getRoomIdByAlias = route(
  {
    id: 'client.getRoomIdByAlias',
    method: 'GET',
    path: paths('/directory/room/:roomAlias'),
    auth: 'none',
    params: byAlias,
  },
  async ({ params }, { directory }) => {
    const { roomId: room_id, servers } = await directory.lookUp(params.roomAlias)
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
    await directory.deleteAlias(requester.userId, requester.isAdmin, params.roomAlias)
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
    params: byRoom,
    body: z.object({ visibility: z.enum(['public', 'private']).optional() }),
  },
  async ({ requester, params, body }, { directory }) => {
    await directory.publish(requester.userId, params.roomId, body.visibility !== 'private')
    return {}
  },
)

const MAX_SEARCH = 200

export const getPublicRooms = route(
  {
    id: 'client.getPublicRooms',
    method: 'GET',
    path: paths('/publicRooms'),
    auth: 'none',
    query: z.object({ limit: intParam.optional(), since: firstParam.optional(), server: firstParam.optional() }),
  },
  async ({ query }, { publicRooms, serverName }) => {
    refuseOtherServers(query.server, serverName)
    return publicRooms.list({ limit: query.limit, since: query.since })
  },
)

export const queryPublicRooms = route(
  {
    id: 'client.queryPublicRooms',
    method: 'POST',
    path: paths('/publicRooms'),
    auth: 'user',
    query: z.object({ server: firstParam.optional() }),
    body: z.object({
      limit: z.int().nonnegative().optional(),
      since: z.string().optional(),
      filter: z
        .object({
          generic_search_term: z.string().max(MAX_SEARCH).nullish(),
          room_types: z.array(z.string().nullable()).max(50).nullish(),
        })
        .optional(),
    }),
  },
  async ({ query, body }, { publicRooms, serverName }) => {
    refuseOtherServers(query.server, serverName)
    return publicRooms.list({
      limit: body.limit,
      since: body.since,
      search: body.filter?.generic_search_term ?? undefined,
      roomTypes: body.filter?.room_types ?? undefined,
    })
  },
)

function refuseOtherServers(server: string | undefined, serverName: string): void {
  if (server !== undefined && server !== serverName) throw notFound('This server does not federate with that one')
}
