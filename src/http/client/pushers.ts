import { z } from 'zod'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { ShownPusher } from '../../services/pushers/shown-pusher.ts'
import { route } from '../route.ts'

const bytes = (max: number) => z.string().refine((text) => Buffer.byteLength(text) <= max, `Longer than ${max} bytes`)
const name = bytes(1024).optional()

export const getPushers = route(
  {
    id: 'client.getPushers',
    method: 'GET',
    path: ['/_matrix/client/v3/pushers', '/_matrix/client/r0/pushers'],
    auth: 'user',
  },
  async ({ requester }, { pushers }) => ({ pushers: (await pushers.list(requester)).map(pusherAnswer) }),
)

export const postPusher = route(
  {
    id: 'client.postPusher',
    method: 'POST',
    path: ['/_matrix/client/v3/pushers/set', '/_matrix/client/r0/pushers/set'],
    auth: 'user',
    body: z.object({
      kind: z.string().nullable(),
      app_id: z.string().max(64),
      pushkey: bytes(512),
      app_display_name: name,
      device_display_name: name,
      profile_tag: name,
      lang: bytes(64).optional(),
      data: z.custom<JsonObject>(isObject, 'Not an object').optional(),
      append: z.boolean().optional(),
      'org.matrix.msc3881.enabled': z.boolean().optional(),
    }),
  },
  async ({ requester, body }, { pushers }) => {
    const { kind, app_id: appId, pushkey } = body
    if (kind === null) await pushers.delete(requester, appId, pushkey)
    else {
      await pushers.set(requester, {
        kind,
        appId,
        pushkey,
        appDisplayName: body.app_display_name,
        deviceDisplayName: body.device_display_name,
        profileTag: body.profile_tag,
        lang: body.lang,
        data: body.data,
        append: body.append ?? false,
        enabled: body['org.matrix.msc3881.enabled'] ?? true,
      })
    }
    return {}
  },
)

const pusherAnswer = (pusher: ShownPusher) => ({
  kind: 'http',
  app_id: pusher.appId,
  pushkey: pusher.pushkey,
  app_display_name: pusher.appDisplayName,
  device_display_name: pusher.deviceDisplayName,
  ...(pusher.profileTag !== undefined && { profile_tag: pusher.profileTag }),
  lang: pusher.lang,
  data: pusher.data,
  'org.matrix.msc3881.enabled': pusher.isEnabled,
  'org.matrix.msc3881.device_id': pusher.deviceId,
})
