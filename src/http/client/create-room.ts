import { z } from 'zod'
import { badJson } from '../../matrix/errors.ts'
import { isRoomAlias, type RoomAlias } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

export const createRoom = route(
  {
    id: 'client.createRoom',
    method: 'POST',
    path: ['/_matrix/client/v3/createRoom', '/_matrix/client/r0/createRoom'],
    auth: 'user',
    body: z.object({
      preset: z.enum(['private_chat', 'public_chat', 'trusted_private_chat']).optional(),
      visibility: z.enum(['public', 'private']).optional(),
      room_version: z.string().optional(),
      creation_content: content.optional(),
      initial_state: z
        .array(z.object({ type: z.string(), state_key: z.string().optional(), content }))
        .max(500)
        .optional(),
      power_level_content_override: content.optional(),
      name: z.string().optional(),
      topic: z.string().optional(),
      invite: z.array(z.string()).max(500).optional(),
      is_direct: z.boolean().optional(),
      room_alias_name: z.string().optional(),
    }),
  },
  async ({ requester, body }, { createRoom, serverName }) => {
    const { room_alias_name: aliasName, ...rest } = body
    const input = aliasName === undefined ? rest : { ...rest, alias: aliasOf(aliasName, serverName) }
    return { room_id: await createRoom(requester.userId, input) }
  },
)

function aliasOf(localpart: string, serverName: string): RoomAlias {
  const alias = `#${localpart}:${serverName}`
  if (localpart === '' || /[:\s\u0000]/.test(localpart) || !isRoomAlias(alias))
    throw badJson('room_alias_name is malformed')
  return alias
}
