import { z } from 'zod'

export const presence = z
  .strictObject({
    enabled: z.boolean().prefault(true).describe('Tell people who is online.'),
  })
  .prefault({})
  .describe('Presence.')
