import { z } from 'zod'
import { isNewLocalpart } from '../matrix/ids.ts'

export const serverNotices = z
  .strictObject({
    user: z
      .string()
      .refine(isNewLocalpart, 'must be the part of a user id before the colon')
      .prefault('_server')
      .describe('Who sends them: the part of the user id before the colon. The account is made with the first notice.'),
    user_name: z.string().min(1).prefault('Server').describe('The name of that account, when it is made.'),
    room_name: z.string().min(1).prefault('Server notices').describe('The name of the rooms that are made for them.'),
    room_avatar: z
      .string()
      .regex(/^mxc:\/\/[^/]+\/[^/]+$/, 'must be an mxc:// address')
      .optional()
      .describe('The picture of those rooms.')
      .meta({ example: 'mxc://example.org/abc' }),
  })
  .prefault({})
  .describe('Notices of the administrators to single users, each in a room of its own (bongsu notice send).')
