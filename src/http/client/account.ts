import { z } from 'zod'
import type { JsonObject } from '../../matrix/json.ts'
import { type Deeds, route } from '../route.ts'
import { auth } from './account-input.ts'

export const getTokenOwner = route(
  {
    id: 'client.getTokenOwner',
    method: 'GET',
    path: ['/_matrix/client/v3/account/whoami', '/_matrix/client/r0/account/whoami'],
    auth: 'guest',
  },
  async ({ requester: { userId, deviceId, isGuest } }) => ({
    user_id: userId,
    ...(deviceId !== undefined && { device_id: deviceId }),
    is_guest: isGuest,
  }),
)

/**
 * A stranger can try passwords here, too, which counts as it does at logging in. Nothing else does: a client whose user has
 * to follow the link in a mail asks every two seconds whether that has happened.
 */
const passwordTries = ({ body }: { body: { auth: JsonObject | undefined } }): Deeds => ({
  login: body.auth?.type === 'm.login.password' ? 1 : 0,
})

export const changePassword = route(
  {
    id: 'client.changePassword',
    method: 'POST',
    path: ['/_matrix/client/v3/account/password', '/_matrix/client/r0/account/password'],
    auth: 'optional',
    alsoDoes: passwordTries,
    body: z.object({
      auth,
      new_password: z.string().optional(),
      logout_devices: z.boolean().optional(),
    }),
  },
  async ({ requester, body }, { ownAccount }) => {
    await ownAccount.changePassword({
      requester,
      auth: body.auth,
      newPassword: body.new_password,
      logoutDevices: body.logout_devices ?? true,
    })
    return {}
  },
)

export const deactivateAccount = route(
  {
    id: 'client.deactivateAccount',
    method: 'POST',
    path: ['/_matrix/client/v3/account/deactivate', '/_matrix/client/r0/account/deactivate'],
    auth: 'optional',
    alsoDoes: passwordTries,
    body: z.object({ auth, erase: z.boolean().optional() }),
  },
  async ({ requester, body }, { ownAccount }) => {
    await ownAccount.deactivate({ requester, auth: body.auth, erase: body.erase ?? false })
    // No account here has an address at an identity server, so nothing is left bound.
    return { id_server_unbind_result: 'success' }
  },
)
