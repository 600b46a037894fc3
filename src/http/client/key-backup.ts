import { z } from 'zod'
import type { RoomKeys } from '../../services/keys/backup/room-key.ts'
import { parsePart } from '../parse.ts'
import { jsonStream, jsonText, route } from '../route.ts'
import { content } from './content.ts'
import { backupPaths } from './key-backup-versions.ts'

const ALL = backupPaths('keys')
const ROOM = backupPaths('keys/:roomId')
const SESSION = backupPaths('keys/:roomId/:sessionId')

const query = z.object({ version: z.string() })
const inRoom = z.object({ roomId: z.string() })
const ofSession = z.object({ roomId: z.string(), sessionId: z.string() })

const key = z.object({
  first_message_index: z.int().nonnegative(),
  forwarded_count: z.int().nonnegative(),
  is_verified: z.boolean(),
  session_data: content,
})
/** The keys themselves are looked at one by one, up to the first that is wrong: to say what is wrong with all took 0.2 s. */
const sessions = z.object({ sessions: z.record(z.string(), z.unknown()) })

/** Clients send some hundred keys at a time, of one KiB each. */
const MAX_BODY_BYTES = 4 * 1024 * 1024

const keysOf = (roomId: string, ofRoom: z.infer<typeof sessions>): RoomKeys =>
  Object.entries(ofRoom.sessions).map(([sessionId, one]) => ({ roomId, sessionId, key: parsePart('body', key, one) }))

export const putRoomKeys = route(
  {
    id: 'client.putRoomKeys',
    method: 'PUT',
    path: ALL,
    auth: 'user',
    query,
    body: z.object({ rooms: z.record(z.string(), sessions) }),
    maxBodyBytes: MAX_BODY_BYTES,
  },
  async ({ requester, query: { version }, body }, { roomKeyBackup }) =>
    roomKeyBackup.put(
      requester.userNid,
      version,
      Object.entries(body.rooms).flatMap(([roomId, ofRoom]) => keysOf(roomId, ofRoom)),
    ),
)

export const putRoomKeysByRoomId = route(
  {
    id: 'client.putRoomKeysByRoomId',
    method: 'PUT',
    path: ROOM,
    auth: 'user',
    params: inRoom,
    query,
    body: sessions,
    maxBodyBytes: MAX_BODY_BYTES,
  },
  async ({ requester, params: { roomId }, query: { version }, body }, { roomKeyBackup }) =>
    roomKeyBackup.put(requester.userNid, version, keysOf(roomId, body)),
)

export const putRoomKeyBySessionId = route(
  {
    id: 'client.putRoomKeyBySessionId',
    method: 'PUT',
    path: SESSION,
    auth: 'user',
    params: ofSession,
    query,
    body: key,
  },
  async ({ requester, params, query: { version }, body }, { roomKeyBackup }) =>
    roomKeyBackup.put(requester.userNid, version, [{ ...params, key: body }]),
)

export const getRoomKeys = route(
  { id: 'client.getRoomKeys', method: 'GET', path: ALL, auth: 'user', query },
  async ({ requester, query: { version } }, { roomKeyBackup }) =>
    jsonStream(await roomKeyBackup.keys(requester.userNid, version)),
)

export const getRoomKeysByRoomId = route(
  { id: 'client.getRoomKeysByRoomId', method: 'GET', path: ROOM, auth: 'user', params: inRoom, query },
  async ({ requester, params: { roomId }, query: { version } }, { roomKeyBackup }) =>
    jsonStream(await roomKeyBackup.keysOfRoom(requester.userNid, version, roomId)),
)

export const getRoomKeyBySessionId = route(
  { id: 'client.getRoomKeyBySessionId', method: 'GET', path: SESSION, auth: 'user', params: ofSession, query },
  async ({ requester, params: { roomId, sessionId }, query: { version } }, { roomKeyBackup }) =>
    jsonText(await roomKeyBackup.key(requester.userNid, version, roomId, sessionId)),
)

export const deleteRoomKeys = route(
  { id: 'client.deleteRoomKeys', method: 'DELETE', path: ALL, auth: 'user', query },
  async ({ requester, query: { version } }, { roomKeyBackup }) => roomKeyBackup.delete(requester.userNid, version),
)

export const deleteRoomKeysByRoomId = route(
  { id: 'client.deleteRoomKeysByRoomId', method: 'DELETE', path: ROOM, auth: 'user', params: inRoom, query },
  async ({ requester, params: { roomId }, query: { version } }, { roomKeyBackup }) =>
    roomKeyBackup.delete(requester.userNid, version, roomId),
)

export const deleteRoomKeyBySessionId = route(
  { id: 'client.deleteRoomKeyBySessionId', method: 'DELETE', path: SESSION, auth: 'user', params: ofSession, query },
  async ({ requester, params: { roomId, sessionId }, query: { version } }, { roomKeyBackup }) =>
    roomKeyBackup.delete(requester.userNid, version, roomId, sessionId),
)
