import { z } from 'zod'
import { network } from './outbound.ts'
import { duration, size } from './units.ts'

const host = z
  .string()
  .regex(/^(?:\*|(?:\*\.)?[\p{L}\p{N}.-]+|\[[\da-f:.]+\])(?::(?:\d{1,5}|\*))?$/iu, {
    error: 'must be a host such as www.example.org, *.example.org or *; with a port where it is not the usual one',
  })
  .meta({ wanted: 'a host such as www.example.org, *.example.org or *' })

export const previews = z
  .strictObject({
    enabled: z
      .boolean()
      .prefault(false)
      .describe('Fetch pages that users link to, for the small pictures of them that clients show.'),
    allow: z
      .array(host)
      .prefault(['*'])
      .describe(
        'Hosts whose pages may be fetched, redirects and pictures included: `www.example.org`, `*.example.org` (itself too), `*`. On ports other than 80 and 443 only where the port, or `:*`, stands behind.',
      ),
    block: z
      .array(host)
      .prefault([])
      .describe('Hosts whose pages are not fetched, whatever `allow` says.')
      .meta({ example: ['*.intranet.example.org'] }),
    allow_addresses: z
      .array(network)
      .prefault([])
      .describe(
        'Addresses or networks that may be reached though they are private. Those of outbound.allow are not: partners trust our server, not every link of every user.',
      )
      .meta({ example: ['10.20.30.0/24'] }),
    max_size: size.prefault('5MiB').describe('The largest page or picture that is read.'),
    keep: duration.prefault('24h').describe('How long a preview is used before the page is fetched anew.'),
    languages: z
      .array(z.string().regex(/^(?:\*|[A-Za-z]{2,8}(?:-[A-Za-z\d]{1,8})*)$/, 'must be a language such as ko or en-GB'))
      .prefault(['ko', 'en'])
      .describe('The languages that pages are asked for, the best first.'),
  })
  .prefault({})
  .describe(
    'Previews of links. Whoever is linked to learns that somebody here reads the link, and clients tell the server which links they see. Element lets people, and each room, do without them.',
  )
