import { z } from 'zod'
import { isServerName } from '../matrix/ids.ts'
import { VerifyKey } from '../matrix/verify-key.ts'
import { duration } from './units.ts'

const EXAMPLE_KEY = 'Noi6WqcDj0QmPxCNQqgezwTlBKrfqehY1u2FyWP9uYw'

const publicKey = z
  .string()
  .refine((text) => VerifyKey.from(text) !== undefined, 'must be an Ed25519 public key in base64')

const listed = z.strictObject({
  name: z
    .string()
    .regex(/^[^\s/@]+$/, 'must be a server name, or a pattern such as *.example.org')
    .describe(
      'A server name, or a pattern: *.example.org. A port is given only where it is part of the name; :* is any.',
    ),
  key: publicKey.optional().describe('The only public key that is believed of it.'),
})

const notary = z.strictObject({
  name: z.string().refine(isServerName, 'must be a server name').describe('Its server name.'),
  key: publicKey.describe('Its public key.'),
})

const signedList = z
  .strictObject({
    path: z.string().optional().describe('The file.').meta({ example: 'federation-list.json' }),
    url: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe('Or its address.')
      .meta({ example: 'https://example.org/list' }),
    key: publicKey.describe('The public key that it must be signed with.'),
    refresh: duration.prefault('1h').describe('How often to look for a newer one.'),
  })
  .refine(({ path, url }) => (path === undefined) !== (url === undefined), 'needs either path or url')

export const federation = z
  .strictObject({
    mode: z
      .enum(['closed', 'list', 'open'])
      .prefault('closed')
      .describe('With which servers this one talks: none, those that are listed, or all.'),
    servers: z
      .array(listed)
      .prefault([])
      .describe('The listed servers.')
      .meta({ example: [{ name: 'matrix.example.org' }, { name: '*.ministry.example' }] }),
    signed_list: signedList
      .optional()
      .describe(
        'A list that somebody else keeps and signs; it adds to servers. Made with `bongsu federation list sign`.',
      )
      .meta({ example: { path: 'federation-list.json', key: EXAMPLE_KEY, refresh: '1h' } }),
    unlisted_members: z
      .enum(['refuse', 'allow'])
      .prefault('refuse')
      .describe('Rooms that have members of servers that are not listed: our people cannot join them, or can.'),
    unlisted_arrivals: z
      .enum(['freeze', 'leave'])
      .prefault('freeze')
      .describe(
        'What becomes of our people in a room that gets such a member all the same: they can read what they have, but ' +
          'nothing goes in or out until that server is listed; or they leave.',
      ),
    notaries: z
      .array(notary)
      .prefault([])
      .describe('Servers that are believed about the keys of servers which are away.')
      .meta({ example: [{ name: 'notary.example.org', key: EXAMPLE_KEY }] }),
    well_known_server: z
      .string()
      .refine(isServerName, 'must be a server name')
      .optional()
      .describe('Where other servers reach this one; published in /.well-known/matrix/server.')
      .meta({ example: 'matrix.example.org:443' }),
    device_names: z
      .boolean()
      .prefault(false)
      .describe('Show people of other servers what ours call their devices, when they look at their keys.'),
    presence: z.boolean().prefault(false).describe('Tell other servers who is online, and believe them.'),
  })
  .prefault({})
  .describe('Other servers.')
