import { z } from 'zod'
import { forbidden, missingParam } from '../../matrix/errors.ts'
import { type UserId, userId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { type Requester, route } from '../route.ts'

const FIELD = [
  '/_matrix/client/v3/profile/:userId/:keyName',
  '/_matrix/client/r0/profile/:userId/:keyName',
  '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:keyName',
]
const params = z.object({ userId, keyName: z.string() })
const body = z.custom<JsonObject>(isObject, 'Not an object')

export const getUserProfile = route(
  {
    id: 'client.getUserProfile',
    method: 'GET',
    path: [
      '/_matrix/client/v3/profile/:userId',
      '/_matrix/client/r0/profile/:userId',
      '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId',
    ],
    auth: 'optional',
    params: z.object({ userId }),
  },
  async ({ requester, params }, { profiles }) => profiles.get(params.userId, requester?.userNid),
)

export const getProfileField = route(
  { id: 'client.getProfileField', method: 'GET', path: FIELD, auth: 'optional', params },
  async ({ requester, params }, { profiles }) => profiles.getField(params.userId, params.keyName, requester?.userNid),
)

export const setProfileField = route(
  { id: 'client.setProfileField', method: 'PUT', path: FIELD, auth: 'guest', refusesSuspended: true, params, body },
  async ({ requester, params: { userId, keyName }, body }, { profiles }) => {
    checkOwner(requester, userId)
    const value = Object.hasOwn(body, keyName) ? body[keyName] : undefined
    if (value === undefined) throw missingParam(`Missing ${keyName}`)
    await profiles.setField(requester, keyName, value)
    return {}
  },
)

export const deleteProfileField = route(
  { id: 'client.deleteProfileField', method: 'DELETE', path: FIELD, auth: 'guest', refusesSuspended: true, params },
  async ({ requester, params: { userId, keyName } }, { profiles }) => {
    checkOwner(requester, userId)
    await profiles.deleteField(requester, keyName)
    return {}
  },
)

function checkOwner(requester: Requester, userId: UserId): void {
  if (requester.userId !== userId) throw forbidden('You can only change your own profile')
}
