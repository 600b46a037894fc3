import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { route } from '../route.ts'

const V1 = '/_matrix/federation/v1'

export const exchangeThirdPartyInvite = route(
  {
    id: 'server.exchangeThirdPartyInvite',
    method: 'PUT',
    path: `${V1}/exchange_third_party_invite/:roomId`,
    auth: 'federation',
    params: z.object({ roomId }),
    body: z.custom<JsonObject>(isObject, 'Not an object'),
  },
  async ({ requester, params, body }, { thirdPartyInvites }) => {
    await thirdPartyInvites.exchange(requester.server, params.roomId, body)
    return {}
  },
)

/** Identity servers sign what they say in the invites; the request itself is anybody's. */
export const onBindThirdPartyIdentifier = route(
  {
    id: 'server.onBindThirdPartyIdentifier',
    method: 'PUT',
    path: `${V1}/3pid/onbind`,
    auth: 'none',
    body: z.object({ mxid: userId, invites: z.array(z.unknown()) }),
  },
  async ({ body }, { thirdPartyInvites }) => {
    await thirdPartyInvites.bound(body.mxid, body.invites)
    return {}
  },
)
