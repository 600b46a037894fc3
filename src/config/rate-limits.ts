import { z } from 'zod'

const rate = z.strictObject({
  per_second: z.number().positive().describe('Requests a second in the long run.'),
  burst: z.int().positive().describe('Requests at once.'),
})

type RateIn = z.input<typeof rate>

const limits = (description: string, fallback: { user?: RateIn; address?: RateIn }) =>
  z
    .strictObject({
      user: rate.optional().describe('Of each user.'),
      address: rate.optional().describe('Of each network address.'),
    })
    .prefault(fallback)
    .describe(description)

/** The names are those of `LimitClass` in `http/route.ts`. */
export const rateLimits = z
  .strictObject({
    enabled: z.boolean().prefault(true).describe('Off only where every client is known, such as in tests.'),
    default: limits('What is not named below.', {
      user: { per_second: 50, burst: 200 },
      address: { per_second: 200, burst: 1000 },
    }),
    message: limits('Sending messages and state.', { user: { per_second: 10, burst: 50 } }),
    login: limits('Logging in, and trying passwords: on one account, and from one address.', {
      user: { per_second: 0.2, burst: 10 },
      address: { per_second: 0.5, burst: 20 },
    }),
    register: limits('Making accounts.', { address: { per_second: 0.2, burst: 10 } }),
    federation: limits(
      'Requests of other servers: of each server, which stands for the user here, and from one address.',
      {
        user: { per_second: 100, burst: 1000 },
        address: { per_second: 200, burst: 2000 },
      },
    ),
    join: limits('Joining rooms, and making them.', { user: { per_second: 2, burst: 50 } }),
    invite: limits('Inviting people, one by one or many with a new room.', { user: { per_second: 1, burst: 50 } }),
    preview: limits('Asking for previews of links.', { user: { per_second: 2, burst: 50 } }),
    sync: limits('Asking for news (/sync).', { user: { per_second: 20, burst: 100 } }),
  })
  .prefault({})
  .describe('How often one may ask. A request that exceeds a limit is answered with M_LIMIT_EXCEEDED.')
