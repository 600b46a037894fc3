import { z } from 'zod'
import { roomVersion } from '../room/versions.ts'

export const rooms = z
  .strictObject({
    default_version: z
      .string()
      .refine((id) => roomVersion(id) !== undefined, 'is no room version that this server knows')
      .prefault('12')
      .describe('The version of new rooms.'),
    publish: z
      .enum(['everybody', 'administrators'])
      .prefault('everybody')
      .describe('Who may list a room in the public directory.'),
    encryption: z
      .enum(['off', 'default', 'forced'])
      .prefault('default')
      .describe(
        'Whether people encrypt what they say from end to end. off: nobody can switch it on here, and the server can ' +
          'search and keep what is said; default: clients do it unless people choose otherwise; forced: new rooms that ' +
          'are not public are always encrypted. Clients learn it from /.well-known/matrix/client.',
      ),
  })
  .prefault({})
  .describe('Rooms.')
