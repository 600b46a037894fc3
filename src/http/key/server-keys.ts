import { z } from 'zod'
import { canonicalJson } from '../../matrix/canonical-json.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { intParam } from '../query.ts'
import { jsonText, route } from '../route.ts'

/** The text is the one that was signed, so that it can be checked without being parsed. */
export const getServerKey = route(
  {
    id: 'server.getServerKey',
    method: 'GET',
    path: ['/_matrix/key/v2/server', '/_matrix/key/v2/server/:keyId'],
    auth: 'none',
  },
  async (_input, { ownKeys }) => jsonText(canonicalJson(ownKeys.published())),
)

export const perspectivesKeyQuery = route(
  {
    id: 'server.perspectivesKeyQuery',
    method: 'GET',
    path: '/_matrix/key/v2/query/:serverName',
    auth: 'none',
    params: z.object({ serverName: z.string() }),
    query: z.object({ minimum_valid_until_ts: intParam.optional() }),
  },
  async ({ params, query }, { ownKeys }) => ({
    server_keys: await ownKeys.notarised([params.serverName], query.minimum_valid_until_ts),
  }),
)

export const bulkPerspectivesKeyQuery = route(
  {
    id: 'server.bulkPerspectivesKeyQuery',
    method: 'POST',
    path: '/_matrix/key/v2/query',
    auth: 'none',
    body: z.object({ server_keys: z.custom<JsonObject>(isObject, 'Not an object') }),
  },
  async ({ body }, { ownKeys }) => {
    const validUntil = Object.values(body.server_keys).flatMap((criteria) =>
      isObject(criteria) ? Object.values(criteria).map(minimumOf) : [],
    )
    const latest = validUntil.length === 0 ? undefined : Math.max(...validUntil.slice(0, MAX_CRITERIA))
    return { server_keys: await ownKeys.notarised(Object.keys(body.server_keys), latest || undefined) }
  },
)

const MAX_CRITERIA = 1000

const minimumOf = (criteria: unknown): number =>
  isObject(criteria) && typeof criteria.minimum_valid_until_ts === 'number' ? criteria.minimum_valid_until_ts : 0
