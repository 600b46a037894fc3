import { z } from 'zod'
import { forbidden } from '../../matrix/errors.ts'
import { userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'

export const requestOpenIdToken = route(
  {
    id: 'client.requestOpenIdToken',
    method: 'POST',
    path: ['v3', 'r0'].map((version) => `/_matrix/client/${version}/user/:userId/openid/request_token`),
    auth: 'user',
    params: z.object({ userId }),
  },
  async ({ requester, params }, { openIdTokens, serverName }) => {
    if (params.userId !== requester.userId) throw forbidden('You can only ask for yourself')
    const { token, expiresInMs } = await openIdTokens.issue(requester.userNid)
    return {
      access_token: token,
      token_type: 'Bearer',
      matrix_server_name: serverName,
      expires_in: expiresInMs / 1000,
    }
  },
)
