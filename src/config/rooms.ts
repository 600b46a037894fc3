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
  })
  .prefault({})
  .describe('Rooms.')
