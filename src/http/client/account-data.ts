import { z } from 'zod'
import { roomId, userId } from '../../matrix/ids.ts'
import { GLOBAL } from '../../services/account-data/account-data.ts'
import { route } from '../route.ts'
import { content } from './content.ts'
import { requireSelf } from './own.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}/user/:userId${suffix}`)
/** Where clients delete (MSC3391). */
const deletion = (suffix: string) => `/_matrix/client/unstable/org.matrix.msc3391/user/:userId${suffix}`
const GLOBALLY = paths('/account_data/:type')
const FOR_A_ROOM = paths('/rooms/:roomId/account_data/:type')

export const setAccountData = route(
  {
    id: 'client.setAccountData',
    method: 'PUT',
    path: GLOBALLY,
    auth: 'user',
    params: z.object({ userId, type: z.string() }),
    body: content,
  },
  async ({ requester, params, body }, { accountData }) => {
    requireSelf(requester, params.userId)
    await accountData.setByClient(requester, GLOBAL, params.type, body)
    return {}
  },
)

export const getAccountData = route(
  {
    id: 'client.getAccountData',
    method: 'GET',
    path: GLOBALLY,
    auth: 'user',
    params: z.object({ userId, type: z.string() }),
  },
  async ({ requester, params }, { accountData, pushRules }) => {
    requireSelf(requester, params.userId)
    if (params.type === 'm.push_rules') return { global: await pushRules.of(requester) }
    return accountData.get(requester.userNid, GLOBAL, params.type)
  },
)

export const setAccountDataPerRoom = route(
  {
    id: 'client.setAccountDataPerRoom',
    method: 'PUT',
    path: FOR_A_ROOM,
    auth: 'user',
    params: z.object({ userId, roomId, type: z.string() }),
    body: content,
  },
  async ({ requester, params, body }, { accountData, userRooms }) => {
    requireSelf(requester, params.userId)
    const roomNid = await userRooms.nidOf(requester, params.roomId)
    await accountData.setByClient(requester, roomNid, params.type, body)
    return {}
  },
)

export const getAccountDataPerRoom = route(
  {
    id: 'client.getAccountDataPerRoom',
    method: 'GET',
    path: FOR_A_ROOM,
    auth: 'user',
    params: z.object({ userId, roomId, type: z.string() }),
  },
  async ({ requester, params }, { accountData, userRooms }) => {
    requireSelf(requester, params.userId)
    return accountData.get(requester.userNid, await userRooms.nidOf(requester, params.roomId), params.type)
  },
)

export const deleteAccountData = route(
  {
    id: 'client.deleteAccountData',
    method: 'DELETE',
    path: deletion('/account_data/:type'),
    auth: 'user',
    params: z.object({ userId, type: z.string() }),
  },
  async ({ requester, params }, { accountData }) => {
    requireSelf(requester, params.userId)
    await accountData.setByClient(requester, GLOBAL, params.type, {})
    return {}
  },
)

export const deleteAccountDataPerRoom = route(
  {
    id: 'client.deleteAccountDataPerRoom',
    method: 'DELETE',
    path: deletion('/rooms/:roomId/account_data/:type'),
    auth: 'user',
    params: z.object({ userId, roomId, type: z.string() }),
  },
  async ({ requester, params }, { accountData, userRooms }) => {
    requireSelf(requester, params.userId)
    await accountData.setByClient(requester, await userRooms.nidOf(requester, params.roomId), params.type, {})
    return {}
  },
)
