import { z } from 'zod'
import { type UserId, userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}/keys${suffix}`)

const MAX_DEVICES = 1_000

const entries = <T>(record: Partial<Record<string, T>>) => Object.entries(record) as [string, T][]

export const uploadKeys = route(
  {
    id: 'client.uploadKeys',
    method: 'POST',
    path: paths('/upload'),
    auth: 'guest',
    body: z.object({
      device_keys: content.optional(),
      one_time_keys: content.optional(),
      fallback_keys: content.optional(),
    }),
  },
  async ({ requester, body }, { deviceKeys }) => ({
    one_time_key_counts: await deviceKeys.upload(requester, {
      deviceKeys: body.device_keys,
      oneTimeKeys: body.one_time_keys ?? {},
      fallbackKeys: body.fallback_keys ?? {},
    }),
  }),
)

export const queryKeys = route(
  {
    id: 'client.queryKeys',
    method: 'POST',
    path: paths('/query'),
    auth: 'guest',
    body: z.object({ device_keys: z.record(userId, z.array(z.string()).max(MAX_DEVICES)) }),
  },
  async ({ requester, body }, { keys }) =>
    keys.query(requester, new Map(entries(body.device_keys) as [UserId, string[]][])),
)

export const claimKeys = route(
  {
    id: 'client.claimKeys',
    method: 'POST',
    path: paths('/claim'),
    auth: 'guest',
    body: z.object({ one_time_keys: z.record(userId, z.record(z.string(), z.string())) }),
  },
  async ({ body }, { keys }) =>
    keys.claim(
      entries(body.one_time_keys).flatMap(([owner, devices]) =>
        entries(devices).map(([deviceId, algorithm]) => ({ userId: owner as UserId, deviceId, algorithm })),
      ),
    ),
)

export const getKeysChanges = route(
  {
    id: 'client.getKeysChanges',
    method: 'GET',
    path: paths('/changes'),
    auth: 'user',
    query: z.object({ from: z.string(), to: z.string() }),
  },
  async ({ requester, query }, { keys }) => keys.changes(requester, query.from, query.to),
)
