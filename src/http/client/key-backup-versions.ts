import { z } from 'zod'
import { invalidParam } from '../../matrix/errors.ts'
import type { Json } from '../../matrix/json.ts'
import type { KeyBackup } from '../../services/keys/backup/key-backups.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

/** Under all names that clients use for what belongs to backups. */
export const backupPaths = (suffix: string) =>
  ['v3', 'r0', 'unstable'].map((version) => `/_matrix/client/${version}/room_keys/${suffix}`)

const params = z.object({ version: z.string() })
const form = z.object({ algorithm: z.string().max(255), auth_data: content })

export const postRoomKeysVersion = route(
  { id: 'client.postRoomKeysVersion', method: 'POST', path: backupPaths('version'), auth: 'user', body: form },
  async ({ requester, body }, { keyBackups }) => ({
    version: await keyBackups.create(requester.userNid, { algorithm: body.algorithm, authData: body.auth_data }),
  }),
)

export const getRoomKeysVersionCurrent = route(
  { id: 'client.getRoomKeysVersionCurrent', method: 'GET', path: backupPaths('version'), auth: 'user' },
  async ({ requester }, { keyBackups }) => answerOf(await keyBackups.current(requester.userNid)),
)

export const getRoomKeysVersion = route(
  { id: 'client.getRoomKeysVersion', method: 'GET', path: backupPaths('version/:version'), auth: 'user', params },
  async ({ requester, params: { version } }, { keyBackups }) =>
    answerOf(await keyBackups.get(requester.userNid, version)),
)

export const putRoomKeysVersion = route(
  {
    id: 'client.putRoomKeysVersion',
    method: 'PUT',
    path: backupPaths('version/:version'),
    auth: 'user',
    params,
    body: form.extend({ version: z.string().optional() }),
  },
  async ({ requester, params: { version }, body }, { keyBackups }) => {
    if ((body.version ?? version) !== version) throw invalidParam('The body is of another version')
    const { algorithm, auth_data: authData } = body
    await keyBackups.update(requester.userNid, version, { algorithm, authData })
    return {}
  },
)

export const deleteRoomKeysVersion = route(
  { id: 'client.deleteRoomKeysVersion', method: 'DELETE', path: backupPaths('version/:version'), auth: 'user', params },
  async ({ requester, params: { version } }, { keyBackups }) => {
    await keyBackups.delete(requester.userNid, version)
    return {}
  },
)

const answerOf = ({ version, algorithm, authData, etag, count }: KeyBackup) => ({
  version: String(version),
  algorithm,
  auth_data: JSON.parse(authData) as Json,
  etag: String(etag),
  count,
})
