import { z } from 'zod'
import { DEFAULT_ROOM_VERSION, roomVersion } from '../room/versions.ts'
import { duration } from './units.ts'

export const rooms = z
  .strictObject({
    default_version: z
      .string()
      .refine((id) => roomVersion(id) !== undefined, 'is no room version that this server knows')
      .prefault(DEFAULT_ROOM_VERSION)
      .describe(
        'The version of new rooms. Older clients do not see that who made a room of version 12 may do everything in it; 11 serves them.',
      ),
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
    delayed_events: z
      .strictObject({
        max_delay: duration.prefault('24h').describe('For how long an event can wait.'),
        max_per_user: z
          .int()
          .nonnegative()
          .prefault(100)
          .describe('How many events of one user wait at once. 0: none are taken.'),
      })
      .prefault({})
      .describe('Events that are sent later, by which calls notice that somebody has gone.'),
  })
  .prefault({})
  .describe('Rooms.')
