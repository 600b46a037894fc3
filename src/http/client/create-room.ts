import { z } from 'zod'
import { invalidParam, MatrixError } from '../../matrix/errors.ts'
import { isRoomAlias, type RoomAlias } from '../../matrix/ids.ts'
import { route } from '../route.ts'
import { content } from './content.ts'

/** All first events are one transaction, and that stays short. */
const MAX_INITIAL_STATE = 250
const MAX_INVITES = 250

export const createRoom = route(
  {
    id: 'client.createRoom',
    method: 'POST',
    path: ['/_matrix/client/v3/createRoom', '/_matrix/client/r0/createRoom'],
    auth: 'user',
    limit: 'join',
    alsoDoes: ({ body }) => ({ invite: body.invite?.length ?? 0 }),
    refusesSuspended: true,
    body: z.object({
      preset: z.enum(['private_chat', 'public_chat', 'trusted_private_chat']).optional(),
      visibility: z.enum(['public', 'private']).optional(),
      room_version: z.string().optional(),
      creation_content: content.optional(),
      initial_state: z
        .array(z.object({ type: z.string(), state_key: z.string().optional(), content }))
        .max(MAX_INITIAL_STATE)
        .optional(),
      power_level_content_override: content.optional(),
      name: z.string().optional(),
      topic: z.string().optional(),
      invite: z.array(z.string()).max(MAX_INVITES).optional(),
      invite_3pid: z.array(z.unknown()).optional(),
      is_direct: z.boolean().optional(),
      room_alias_name: z.string().optional(),
    }),
  },
  async ({ requester, body }, { createRoom, serverName }) => {
    const { room_alias_name: aliasName, invite_3pid: invitedOtherwise = [], ...rest } = body
    if (invitedOtherwise.length > 0) {
      throw new MatrixError('M_THREEPID_DENIED', 'This server invites users by their ids only')
    }
    const input = aliasName === undefined ? rest : { ...rest, alias: aliasOf(aliasName, serverName) }
    return { room_id: await createRoom(requester, input) }
  },
)

function aliasOf(localpart: string, serverName: string): RoomAlias {
  const alias = `#${localpart}:${serverName}`
  const isLocalpart = localpart !== '' && !/[:\s]/.test(localpart)
  if (!isLocalpart || !isRoomAlias(alias)) throw invalidParam('room_alias_name is malformed')
  return alias
}
