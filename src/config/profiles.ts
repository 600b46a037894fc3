import { z } from 'zod'

export const profiles = z
  .strictObject({
    change: z
      .boolean()
      .prefault(true)
      .describe('Let people change their own profile: name, picture and the rest. Bridges always name their users.'),
    lookup: z
      .enum(['public', 'users', 'acquaintances'])
      .prefault('users')
      .describe(
        'Whose profile one may look up: everybody’s, even without an account; everybody’s, with an account; or only those of people one shares a room with, or who are in a room that is open to everybody.',
      ),
    search: z
      .enum(['everybody', 'acquaintances'])
      .prefault('everybody')
      .describe('Whom one finds by name: everybody on this server, or those people.'),
  })
  .prefault({})
  .describe('Profiles and finding people.')
