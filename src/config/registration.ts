import { z } from 'zod'
import { withSecretFile } from './secret.ts'

export const registration = withSecretFile(
  'shared_secret',
  z.strictObject({
    mode: z
      .enum(['closed', 'token', 'open'])
      .prefault('closed')
      .describe('Who may make an account: nobody but the administrator, whoever has a registration token, or anybody.'),
    shared_secret: z
      .string()
      .min(1)
      .optional()
      .describe('Programs that know it may make accounts, whatever the mode (/_synapse/admin/v1/register).')
      .meta({ example: 'a long random text' }),
    shared_secret_file: z
      .string()
      .optional()
      .describe('A file that holds it, instead of shared_secret.')
      .meta({ example: 'registration-secret' }),
    email: z
      .enum(['off', 'optional', 'required'])
      .prefault('off')
      .describe('Whether whoever registers gives a mail address and confirms it. Needs mail.'),
    guests: z.boolean().prefault(false).describe('Let guests in: accounts without a password, with few rights.'),
    terms: z
      .array(
        z.strictObject({
          name: z.string().describe('The name of the document, for people.').meta({ example: 'Terms of use' }),
          version: z.string().describe('Its version.').meta({ example: '1' }),
          url: z.url().describe('Where to read it.').meta({ example: 'https://example.org/terms' }),
        }),
      )
      .prefault([])
      .describe('Documents that whoever registers must accept.'),
  }),
)
  .prefault({})
  .describe('How accounts come to be.')
