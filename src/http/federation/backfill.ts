import { z } from 'zod'
import { roomId } from '../../matrix/ids.ts'
import { intParam, listParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

const V1 = '/_matrix/federation/v1'
const DEFAULT_MISSING = 10
const ids = z.array(z.string()).max(1_000)
const params = z.object({ roomId })

export const backfillRoom = route(
  {
    id: 'server.backfillRoom',
    method: 'GET',
    path: `${V1}/backfill/:roomId`,
    auth: 'federation',
    params,
    query: z.object({ v: listParam, limit: intParam }),
  },
  async ({ requester, params: { roomId: room }, query }, { roomAnswers }) =>
    jsonText(await roomAnswers.backfill(requester.server, room, query.v, query.limit)),
)

export const getMissingPreviousEvents = route(
  {
    id: 'server.getMissingPreviousEvents',
    method: 'POST',
    path: `${V1}/get_missing_events/:roomId`,
    auth: 'federation',
    params,
    body: z.object({
      earliest_events: ids,
      latest_events: ids,
      limit: z.int().optional(),
      min_depth: z.int().optional(),
    }),
  },
  async ({ requester, params: { roomId: room }, body }, { roomAnswers }) =>
    jsonText(
      await roomAnswers.missingEvents(requester.server, room, {
        earliest: body.earliest_events,
        latest: body.latest_events,
        limit: body.limit ?? DEFAULT_MISSING,
        minDepth: body.min_depth ?? 0,
      }),
    ),
)
