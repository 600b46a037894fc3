import { z } from 'zod'
import type { Device } from '../../services/accounts/devices.ts'
import { Reply, route } from '../route.ts'
import { auth, deviceId, deviceName } from './account-input.ts'

const DEVICE = ['/_matrix/client/v3/devices/:deviceId', '/_matrix/client/r0/devices/:deviceId']

export const getDevices = route(
  {
    id: 'client.getDevices',
    method: 'GET',
    path: ['/_matrix/client/v3/devices', '/_matrix/client/r0/devices'],
    auth: 'guest',
  },
  async ({ requester }, { devices }) => ({ devices: (await devices.list(requester)).map(deviceAnswer) }),
)

export const getDevice = route(
  { id: 'client.getDevice', method: 'GET', path: DEVICE, auth: 'guest', params: z.object({ deviceId }) },
  async ({ requester, params }, { devices }) => deviceAnswer(await devices.get(requester, params.deviceId)),
)

export const updateDevice = route(
  {
    id: 'client.updateDevice',
    method: 'PUT',
    path: DEVICE,
    auth: 'guest',
    params: z.object({ deviceId }),
    body: z.object({ display_name: deviceName.optional() }),
  },
  async ({ requester, params, body }, { devices }) => {
    if (requester.appservice) {
      const isNew = await devices.create(requester, params.deviceId, body.display_name)
      return isNew ? new Reply(201, { 'content-type': 'application/json' }, '{}') : {}
    }
    if (body.display_name === undefined) await devices.get(requester, params.deviceId)
    else await devices.rename(requester, params.deviceId, body.display_name)
    return {}
  },
)

export const deleteDevice = route(
  {
    id: 'client.deleteDevice',
    method: 'DELETE',
    path: DEVICE,
    auth: 'user',
    params: z.object({ deviceId }),
    body: z.object({ auth }),
  },
  async ({ requester, params, body }, { devices }) => {
    await devices.delete(requester, [params.deviceId], body.auth)
    return {}
  },
)

export const deleteDevices = route(
  {
    id: 'client.deleteDevices',
    method: 'POST',
    path: ['/_matrix/client/v3/delete_devices', '/_matrix/client/r0/delete_devices'],
    auth: 'user',
    body: z.object({ auth, devices: z.array(deviceId).max(1000) }),
  },
  async ({ requester, body }, { devices }) => {
    await devices.delete(requester, body.devices, body.auth)
    return {}
  },
)

const deviceAnswer = ({ deviceId, displayName, lastSeenTs, lastSeenIp }: Device) => ({
  device_id: deviceId,
  ...(displayName !== undefined && { display_name: displayName }),
  ...(lastSeenTs !== undefined && { last_seen_ts: lastSeenTs }),
  ...(lastSeenIp !== undefined && { last_seen_ip: lastSeenIp }),
})
