import { z } from 'zod'
import type { Json } from '../../matrix/json.ts'
import type { WaitingMessages } from '../../services/keys/dehydrated-devices.ts'
import { intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'
import { deviceId, deviceName } from './account-input.ts'
import { content } from './content.ts'

const DEVICE = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device'
const EVENTS = `${DEVICE}/:deviceId/events`

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 500
const limitOf = (asked: number | undefined): number => Math.min(Math.max(asked ?? DEFAULT_LIMIT, 1), MAX_LIMIT)

export const putDehydratedDevice = route(
  {
    id: 'client.putDehydratedDevice',
    method: 'PUT',
    path: DEVICE,
    auth: 'user',
    body: z.object({
      device_id: deviceId,
      device_data: content,
      initial_device_display_name: deviceName.optional(),
      device_keys: content.optional(),
      one_time_keys: content.optional(),
      fallback_keys: content.optional(),
    }),
  },
  async ({ requester, body }, { dehydratedDevices }) => {
    await dehydratedDevices.put(requester, {
      deviceId: body.device_id,
      displayName: body.initial_device_display_name,
      data: body.device_data,
      deviceKeys: body.device_keys,
      oneTimeKeys: body.one_time_keys ?? {},
      fallbackKeys: body.fallback_keys ?? {},
    })
    return { device_id: body.device_id }
  },
)

export const getDehydratedDevice = route(
  { id: 'client.getDehydratedDevice', method: 'GET', path: DEVICE, auth: 'user' },
  async ({ requester }, { dehydratedDevices }) => {
    const device = await dehydratedDevices.get(requester)
    return { device_id: device.deviceId, device_data: JSON.parse(device.data) as Json }
  },
)

export const deleteDehydratedDevice = route(
  { id: 'client.deleteDehydratedDevice', method: 'DELETE', path: DEVICE, auth: 'user' },
  async ({ requester }, { dehydratedDevices }) => ({ device_id: await dehydratedDevices.delete(requester) }),
)

/** As matrix-js-sdk asks. */
export const getDehydratedDeviceEvents = route(
  {
    id: 'client.getDehydratedDeviceEvents',
    method: 'GET',
    path: EVENTS,
    auth: 'user',
    params: z.object({ deviceId }),
    query: z.object({ from: z.string().optional(), limit: intParam.optional() }),
  },
  async ({ requester, params, query }, { dehydratedDevices }) =>
    eventsAnswer(await dehydratedDevices.messages(requester, params.deviceId, query.from, limitOf(query.limit))),
)

/** As the proposal has it, and matrix-rust-sdk asks. */
export const postDehydratedDeviceEvents = route(
  {
    id: 'client.postDehydratedDeviceEvents',
    method: 'POST',
    path: EVENTS,
    auth: 'user',
    params: z.object({ deviceId }),
    body: z.object({ next_batch: z.string().nullish(), limit: z.int().optional() }),
  },
  async ({ requester, params, body }, { dehydratedDevices }) =>
    eventsAnswer(
      await dehydratedDevices.messages(requester, params.deviceId, body.next_batch ?? undefined, limitOf(body.limit)),
    ),
)

const eventsAnswer = ({ events, next }: WaitingMessages) =>
  jsonText(`{"events":[${events.join(',')}]${next === undefined ? '' : `,"next_batch":${JSON.stringify(next)}`}}`)
