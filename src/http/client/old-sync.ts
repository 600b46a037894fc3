import { z } from 'zod'
import { eventId, roomId } from '../../matrix/ids.ts'
import { DEFAULT_LIMIT } from '../../services/reading/initial-sync.ts'
import { boolParam, intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

/** What `/sync` has replaced, and what is left of it for looking into rooms (spec: Syncing, Room Previews). */

const paths = (suffix: string) => ['v3', 'r0', 'v1'].map((version) => `/_matrix/client/${version}${suffix}`)
const DEFAULT_TIMEOUT_MS = 30_000

export const initialSync = route(
  {
    id: 'client.initialSync',
    method: 'GET',
    path: paths('/initialSync'),
    auth: 'user',
    query: z.object({ limit: intParam.default(DEFAULT_LIMIT), archived: boolParam.default(false) }),
  },
  async ({ requester, query }, { reading }) => jsonText(await reading.initialSync(requester, query)),
)

export const roomInitialSync = route(
  {
    id: 'client.roomInitialSync',
    method: 'GET',
    path: paths('/rooms/:roomId/initialSync'),
    auth: 'guest',
    params: z.object({ roomId }),
  },
  async ({ requester, params }, { reading }) => jsonText(await reading.roomInitialSync(requester, params.roomId)),
)

/** Both `getEvents` and `peekEvents`: with `room_id` it looks into that room. */
export const getEvents = route(
  {
    id: 'client.getEvents',
    method: 'GET',
    path: paths('/events'),
    auth: 'guest',
    limit: 'sync',
    query: z.object({
      from: z.string().optional(),
      timeout: intParam.default(DEFAULT_TIMEOUT_MS),
      room_id: roomId.optional(),
    }),
  },
  async ({ requester, query, signal }, { reading }) =>
    jsonText(
      await reading.nextEvents(requester, {
        from: query.from,
        timeoutMs: query.timeout,
        roomId: query.room_id,
        signal,
      }),
    ),
)

export const getOneEvent = route(
  {
    id: 'client.getOneEvent',
    method: 'GET',
    path: paths('/events/:eventId'),
    auth: 'user',
    params: z.object({ eventId }),
  },
  async ({ requester, params }, { reading }) => jsonText(await reading.getEventOfAnyRoom(requester, params.eventId)),
)
