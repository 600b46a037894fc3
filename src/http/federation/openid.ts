import { z } from 'zod'
import { MatrixError } from '../../matrix/errors.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'

/** Not signed: those who ask are widgets, call servers and their like. */
export const exchangeOpenIdToken = route(
  {
    id: 'server.exchangeOpenIdToken',
    method: 'GET',
    path: '/_matrix/federation/v1/openid/userinfo',
    auth: 'none',
    query: z.object({ access_token: firstParam.optional() }),
  },
  async ({ query: { access_token: token } }, { openIdTokens }) => {
    if (!token) throw new MatrixError('M_MISSING_TOKEN', 'Missing access_token')
    return { sub: await openIdTokens.userOf(token) }
  },
)
