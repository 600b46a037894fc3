import { route } from '../route.ts'

export const logout = route(
  {
    id: 'client.logout',
    method: 'POST',
    path: ['/_matrix/client/v3/logout', '/_matrix/client/r0/logout'],
    auth: 'guest',
    whileLocked: true,
  },
  async ({ requester }, { devices }) => {
    await devices.logout(requester)
    return {}
  },
)

export const logoutAll = route(
  {
    id: 'client.logout_all',
    method: 'POST',
    path: ['/_matrix/client/v3/logout/all', '/_matrix/client/r0/logout/all'],
    auth: 'guest',
    whileLocked: true,
  },
  async ({ requester }, { devices }) => {
    await devices.logoutAll(requester)
    return {}
  },
)
