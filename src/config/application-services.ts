import { z } from 'zod'

export const applicationServices = z
  .array(
    z.strictObject({
      registration_file: z.string().describe('The registration that came with the bridge or bot.'),
    }),
  )
  .prefault([])
  .describe('Bridges and bots that act for many users: application services. A change counts from the next start on.')
  .meta({ example: [{ registration_file: 'irc-registration.yaml' }] })
