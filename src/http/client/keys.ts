import { z } from 'zod'
import { claimedKeys, claimsOf, queriedKeys, wantedOf } from '../keys-body.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}/keys${suffix}`)

/** How long other servers may take, in milliseconds. */
const timeout = z.int().nonnegative().optional()

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
    body: z.object({ device_keys: queriedKeys, timeout }),
  },
  async ({ requester, body }, { keys }) => keys.query(requester, wantedOf(body.device_keys), body.timeout),
)

export const claimKeys = route(
  {
    id: 'client.claimKeys',
    method: 'POST',
    path: paths('/claim'),
    auth: 'guest',
    body: z.object({ one_time_keys: claimedKeys, timeout }),
  },
  async ({ body }, { keys }) => keys.claim(claimsOf(body.one_time_keys), body.timeout),
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
