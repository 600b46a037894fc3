import { z } from 'zod'
import { isServerName, roomAlias, roomId } from '../../matrix/ids.ts'
import { listParam } from '../query.ts'
import { route } from '../route.ts'

const MAX_VIA = 20

const params = z.object({ roomIdOrAlias: z.union([roomId, roomAlias]) })
const query = z.object({ via: listParam.optional() })

export const getRoomSummary = route(
  {
    id: 'client.getRoomSummary',
    method: 'GET',
    path: '/_matrix/client/v1/room_summary/:roomIdOrAlias',
    auth: 'optional',
    params,
    query,
  },
  async ({ requester, params, query }, { roomSummaries }) =>
    roomSummaries.of(requester?.userId, params.roomIdOrAlias, usable(query.via)),
)

/** MSC3266 before it was accepted: clients look for two of the fields under names of their own. */
export const getRoomSummaryUnstable = route(
  {
    id: 'client.getRoomSummaryUnstable',
    method: 'GET',
    path: [
      '/_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias',
      '/_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
    ],
    auth: 'optional',
    params,
    query,
  },
  async ({ requester, params, query }, { roomSummaries }) => {
    const summary = await roomSummaries.of(requester?.userId, params.roomIdOrAlias, usable(query.via))
    return {
      ...summary,
      'im.nheko.summary.version': summary.room_version,
      'im.nheko.summary.room_version': summary.room_version,
      'im.nheko.summary.encryption': summary.encryption,
    }
  },
)

const usable = (via: readonly string[] = []): string[] => via.slice(0, MAX_VIA).filter(isServerName)
