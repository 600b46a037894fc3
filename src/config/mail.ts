import { z } from 'zod'
import { withSecretFile } from './secret.ts'
import { duration } from './units.ts'

export const mail = withSecretFile(
  'password',
  z.strictObject({
    host: z
      .string()
      .min(1)
      .optional()
      .describe(
        'The mail server (SMTP) that takes mail for delivery. Left out: the server sends none. Needs public_url.',
      )
      .meta({ example: 'mail.example.org' }),
    port: z.int().min(1).max(65_535).prefault(587).describe('Its port.'),
    security: z
      .enum(['starttls', 'tls', 'none'])
      .prefault('starttls')
      .describe(
        'TLS begins after a greeting (starttls, port 587), with the connection (tls, port 465), or never (none). ' +
          'Its certificate must be of an authority that outbound trusts.',
      ),
    user: z.string().min(1).optional().describe('The name to log in there.').meta({ example: 'bongsu' }),
    password: z.string().min(1).optional().describe('The password to log in there.').meta({ example: 'a secret' }),
    password_file: z
      .string()
      .optional()
      .describe('A file that holds it, instead of password.')
      .meta({ example: 'mail-password' }),
    from: z
      .string()
      .regex(/^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/, 'must be a mail address such as Bongsu <bongsu@example.org>')
      .optional()
      .describe('The sender. Left out: noreply at server_name.')
      .meta({ example: 'Bongsu <bongsu@example.org>' }),
    link_lifetime: duration.prefault('1h').describe('How long the link of a mail is good, and a mail is tried again.'),
    reveal_addresses: z
      .boolean()
      .prefault(false)
      .describe(
        'Tell whoever asks that an address belongs to an account, or to none. Otherwise only the mail, if any, tells it.',
      ),
  }),
)
  .refine(({ user, password }) => (user === undefined) === (password === undefined), 'needs both user and password')
  .prefault({})
  .describe('Mail, by which people confirm addresses and reset passwords.')
