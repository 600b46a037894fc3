import { z } from 'zod'
import { loginAnswer } from '../client/account-answers.ts'
import { deviceName } from '../client/account-input.ts'
import { route } from '../route.ts'

const PATH = '/_synapse/admin/v1/register'

export const getRegistrationNonce = route(
  { id: 'synapse.getRegistrationNonce', method: 'GET', path: PATH, auth: 'none', limit: 'register' },
  async (_input, { sharedSecret }) => ({ nonce: sharedSecret.newNonce() }),
)

export const registerWithSharedSecret = route(
  {
    id: 'synapse.registerWithSharedSecret',
    method: 'POST',
    path: PATH,
    auth: 'none',
    limit: 'register',
    body: z.object({
      nonce: z.string(),
      username: z.string(),
      password: z.string(),
      displayname: deviceName.nullish(),
      admin: z.boolean().nullish(),
      user_type: z.enum(['bot', 'support']).nullish(),
      inhibit_login: z.boolean().nullish(),
      mac: z.string(),
    }),
  },
  async ({ body }, { sharedSecret, serverName }) => {
    const { userId, login } = await sharedSecret.register({
      nonce: body.nonce,
      username: body.username,
      password: body.password,
      displayName: body.displayname ?? undefined,
      isAdmin: body.admin ?? false,
      userType: body.user_type ?? undefined,
      inhibitLogin: body.inhibit_login ?? false,
      mac: body.mac,
    })
    return login ? loginAnswer(userId, serverName, login) : { user_id: userId, home_server: serverName }
  },
)
