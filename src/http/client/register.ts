import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import { APP_SERVICE_LOGIN } from '../../services/accounts/login.ts'
import { firstParam } from '../query.ts'
import { route } from '../route.ts'
import { deviceWishOf, loginAnswer } from './account-answers.ts'
import { auth, deviceId, deviceName } from './account-input.ts'

export const register = route(
  {
    id: 'client.register',
    method: 'POST',
    path: ['/_matrix/client/v3/register', '/_matrix/client/r0/register'],
    auth: 'none',
    limit: 'register',
    query: z.object({ kind: firstParam.optional() }),
    body: z.object({
      type: z.string().optional(),
      auth,
      username: z.string().optional(),
      password: z.string().optional(),
      device_id: deviceId.optional(),
      initial_device_display_name: deviceName.optional(),
      inhibit_login: z.boolean().optional(),
      refresh_token: z.boolean().optional(),
    }),
  },
  async ({ query: { kind = 'user' }, body, accessToken }, { registration, appServiceAccounts, serverName }) => {
    if (kind !== 'user' && kind !== 'guest') throw invalidParam('kind is user or guest')
    const wanted = { username: body.username, device: deviceWishOf(body), inhibitLogin: body.inhibit_login ?? false }
    const { userId, login } =
      kind === 'guest'
        ? await registration.registerGuest(body.initial_device_display_name)
        : body.type === APP_SERVICE_LOGIN
          ? await appServiceAccounts.register(accessToken, wanted)
          : await registration.register({ auth: body.auth, password: body.password, ...wanted })
    return login ? loginAnswer(userId, serverName, login) : { user_id: userId, home_server: serverName }
  },
)

export const checkUsernameAvailability = route(
  {
    id: 'client.checkUsernameAvailability',
    method: 'GET',
    path: ['/_matrix/client/v3/register/available', '/_matrix/client/r0/register/available'],
    auth: 'none',
    query: z.object({ username: firstParam }),
  },
  async ({ query }, { registration }) => {
    await registration.checkAvailability(query.username)
    return { available: true }
  },
)

export const registrationTokenValidity = route(
  {
    id: 'client.registrationTokenValidity',
    method: 'GET',
    path: [
      '/_matrix/client/v1/register/m.login.registration_token/validity',
      '/_matrix/client/unstable/org.matrix.msc3231/register/org.matrix.msc3231.login.registration_token/validity',
    ],
    auth: 'none',
    // A token is as good as a password, so guessing is limited like it.
    limit: 'login',
    query: z.object({ token: firstParam }),
  },
  async ({ query }, { registration }) => ({ valid: await registration.isTokenUsable(query.token) }),
)
