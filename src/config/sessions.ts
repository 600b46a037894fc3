import { z } from 'zod'
import { duration } from './units.ts'

export const sessions = z
  .strictObject({
    access_token_lifetime: duration
      .optional()
      .describe('How long a login lasts in clients that cannot refresh it. Left out: until they log out.')
      .meta({ example: '30d' }),
    refreshable_token_lifetime: duration
      .prefault('1h')
      .describe('How long an access token lasts in clients that can refresh it.'),
    refresh_token_lifetime: duration
      .optional()
      .describe('A client that stayed away longer must log in again. Left out: never.')
      .meta({ example: '90d' }),
    login_tokens: z
      .boolean()
      .prefault(true)
      .describe('Let people log in another device of theirs from one that is, after their password.'),
    login_token_lifetime: duration.prefault('2min').describe('How soon that must be done.'),
    confirmation_lifetime: duration
      .prefault('15min')
      .describe('How long a half-finished registration or confirmation by password may take.'),
  })
  .prefault({})
  .describe('Logins.')
