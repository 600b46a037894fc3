import { z } from 'zod'
import { isServerName } from '../matrix/ids.ts'
import { applicationServices } from './application-services.ts'
import { calls } from './calls.ts'
import { database } from './database.ts'
import { federation } from './federation.ts'
import { http } from './http.ts'
import { listeners, trustedProxies } from './listeners.ts'
import { logging } from './logging.ts'
import { mail } from './mail.ts'
import { media } from './media.ts'
import { outbound } from './outbound.ts'
import { passwords } from './passwords.ts'
import { paths } from './paths.ts'
import { policyServer } from './policy-server.ts'
import { presence } from './presence.ts'
import { profiles } from './profiles.ts'
import { push } from './push.ts'
import { rateLimits } from './rate-limits.ts'
import { registration } from './registration.ts'
import { rooms } from './rooms.ts'
import { search } from './search.ts'
import { serverNotices } from './server-notices.ts'
import { sessions } from './sessions.ts'
import { support } from './support.ts'

/**
 * The configuration: what it may hold, what it means and what holds when a key is left out. `config.example.yaml` is
 * generated from it. Keys are spelt as in the file, so that one search finds the file's key and the code that reads it;
 * only `compose/` reads them.
 */
export const configSchema = z
  .strictObject({
    server_name: z
      .string()
      .refine(isServerName, 'must be a host name, such as example.org')
      .describe('The part of every user id behind the colon. It can never change.')
      .meta({ example: 'example.org' }),
    public_url: z
      .url({ protocol: /^https?$/, error: 'must be a URL that starts with https:// or http://' })
      .transform((url) => url.replace(/\/+$/, ''))
      .optional()
      .describe('Where clients reach the server; published in /.well-known/matrix/client.')
      .meta({ example: 'https://matrix.example.org' }),
    well_known: z.record(z.string(), z.json()).prefault({}).describe('Further keys of /.well-known/matrix/client.'),
    listeners,
    trusted_proxies: trustedProxies,
    http,
    database,
    paths,
    registration,
    passwords,
    sessions,
    profiles,
    rate_limits: rateLimits,
    rooms,
    search,
    server_notices: serverNotices,
    presence,
    push,
    media,
    mail,
    calls,
    federation,
    policy_server: policyServer,
    outbound,
    application_services: applicationServices,
    support,
    logging,
  })
  .refine((config) => config.mail.host === undefined || config.public_url !== undefined, {
    path: ['mail', 'host'],
    error: 'needs public_url, where the links in mails lead',
  })
  .refine((config) => config.mail.host !== undefined || config.registration.email === 'off', {
    path: ['registration', 'email'],
    error: 'needs a mail server (mail.host)',
  })

export type Config = z.output<typeof configSchema>
export type ConfigInput = z.input<typeof configSchema>
