import { z } from 'zod'
import { badJson, MatrixError } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { identifiedUser } from '../../services/accounts/identifier.ts'
import { APP_SERVICE_LOGIN, TOKEN_LOGIN } from '../../services/accounts/login.ts'
import { route } from '../route.ts'
import { deviceWishOf, loginAnswer, tokensAnswer } from './account-answers.ts'
import { auth, deviceId, deviceName } from './account-input.ts'

const PATH = ['/_matrix/client/v3/login', '/_matrix/client/r0/login']

export const getLoginFlows = route(
  { id: 'client.getLoginFlows', method: 'GET', path: PATH, auth: 'none' },
  async (_input, { login }) => ({
    flows: login.types.map((type) => ({ type, ...(type === TOKEN_LOGIN && { get_login_token: true }) })),
  }),
)

export const login = route(
  {
    id: 'client.login',
    method: 'POST',
    path: PATH,
    auth: 'none',
    limit: 'login',
    body: z.object({
      type: z.string(),
      identifier: z.custom<JsonObject>(isObject, 'Not an object').optional(),
      // How the user was named before identifiers.
      user: z.string().optional(),
      medium: z.string().optional(),
      address: z.string().optional(),
      password: z.string().optional(),
      token: z.string().optional(),
      device_id: deviceId.optional(),
      initial_device_display_name: deviceName.optional(),
      refresh_token: z.boolean().optional(),
    }),
  },
  async ({ body, accessToken }, { login, appServiceAccounts, serverName, discovery: { publicUrl, wellKnown } }) => {
    if (!login.types.includes(body.type)) {
      throw new MatrixError('M_UNKNOWN', 'This type of login is not supported', { status: 400 })
    }
    const device = deviceWishOf(body)
    const open = () => {
      if (body.type === TOKEN_LOGIN) {
        if (body.token === undefined) throw badJson('A token is needed')
        return login.withToken(body.token, device)
      }
      const user = identifiedUser(body)
      if (typeof user === 'string' && body.type === APP_SERVICE_LOGIN) {
        return appServiceAccounts.login(accessToken, user, device)
      }
      if (user === undefined || body.password === undefined) throw badJson('A user and a password are needed')
      return login.withPassword(user, body.password, device)
    }
    const { userId, ...opened } = await open()
    const answer = loginAnswer(userId, serverName, opened)
    if (publicUrl === undefined) return answer
    return { ...answer, well_known: { ...wellKnown, 'm.homeserver': { base_url: publicUrl } } }
  },
)

export const generateLoginToken = route(
  {
    id: 'client.generateLoginToken',
    method: 'POST',
    path: '/_matrix/client/v1/login/get_token',
    auth: 'user',
    limit: 'login',
    body: z.object({ auth }),
  },
  async ({ requester, body }, { loginTokens }) => {
    const { token, expiresInMs } = await loginTokens.issue(requester, body.auth)
    return { login_token: token, expires_in_ms: expiresInMs }
  },
)

export const refresh = route(
  {
    id: 'client.refresh',
    method: 'POST',
    path: '/_matrix/client/v3/refresh',
    auth: 'none',
    limit: 'login',
    body: z.object({ refresh_token: z.string() }),
  },
  async ({ body }, { sessions }) => tokensAnswer(await sessions.refresh(body.refresh_token)),
)
