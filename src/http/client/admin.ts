import { z } from 'zod'
import { userId } from '../../matrix/ids.ts'
import { route } from '../route.ts'

const LOCK = [
  '/_matrix/client/v1/admin/lock/:userId',
  '/_matrix/client/unstable/uk.timedout.msc4323/admin/lock/:userId',
]
const SUSPEND = [
  '/_matrix/client/v1/admin/suspend/:userId',
  '/_matrix/client/unstable/uk.timedout.msc4323/admin/suspend/:userId',
]
const params = z.object({ userId })

export const getAdminLockUser = route(
  { id: 'client.getAdminLockUser', method: 'GET', path: LOCK, auth: 'user', params },
  async ({ requester, params }, { accountModeration }) => ({
    locked: (await accountModeration.subject(requester, params.userId)).isLocked,
  }),
)

export const setAdminLockUser = route(
  {
    id: 'client.setAdminLockUser',
    method: 'PUT',
    path: LOCK,
    auth: 'user',
    params,
    body: z.object({ locked: z.boolean() }),
  },
  async ({ requester, params, body: { locked } }, { accountModeration }) => {
    await accountModeration.setLocked(requester, params.userId, locked)
    return { locked }
  },
)

export const getAdminSuspendUser = route(
  { id: 'client.getAdminSuspendUser', method: 'GET', path: SUSPEND, auth: 'user', params },
  async ({ requester, params }, { accountModeration }) => ({
    suspended: (await accountModeration.subject(requester, params.userId)).isSuspended,
  }),
)

export const setAdminSuspendUser = route(
  {
    id: 'client.setAdminSuspendUser',
    method: 'PUT',
    path: SUSPEND,
    auth: 'user',
    params,
    body: z.object({ suspended: z.boolean() }),
  },
  async ({ requester, params, body: { suspended } }, { accountModeration }) => {
    await accountModeration.setSuspended(requester, params.userId, suspended)
    return { suspended }
  },
)

/** One connection a device: the last one is all that is kept. */
export const getWhoIs = route(
  {
    id: 'client.getWhoIs',
    method: 'GET',
    path: ['/_matrix/client/v3/admin/whois/:userId', '/_matrix/client/r0/admin/whois/:userId'],
    auth: 'user',
    params,
  },
  async ({ requester, params }, { accountModeration }) => {
    const devices = await accountModeration.devicesOf(requester, params.userId)
    return {
      user_id: params.userId,
      devices: Object.fromEntries(
        devices.map(({ deviceId, lastSeenIp: ip, lastSeenTs }) => {
          const connection = {
            ...(ip !== undefined && { ip }),
            ...(lastSeenTs !== undefined && { last_seen: lastSeenTs }),
          }
          return [deviceId, { sessions: [{ connections: [connection] }] }]
        }),
      ),
    }
  },
)
