import { z } from 'zod'

/** An address or a network. */
export const network = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an address or a network such as 10.0.0.0/8',
})

export const outbound = z
  .strictObject({
    allow: z
      .array(network)
      .prefault([])
      .describe(
        'Addresses or networks that may be reached though they are private: those of the partners in a closed network. Private, local and reserved addresses are blocked otherwise.',
      )
      .meta({ example: ['10.20.0.0/16'] }),
    block: z
      .array(network)
      .prefault([])
      .describe('Further addresses or networks that must not be reached.')
      .meta({ example: ['198.51.100.7'] }),
    authorities_file: z
      .string()
      .optional()
      .describe('Certificate authorities that are trusted beside the usual ones: a file of PEM certificates.')
      .meta({ example: 'authorities.pem' }),
    only_these_authorities: z.boolean().prefault(false).describe('Trust those in authorities_file and no others.'),
    client_certificate_file: z
      .string()
      .optional()
      .describe('A certificate to show to servers that ask for one, PEM.')
      .meta({ example: 'client.crt' }),
    client_key_file: z.string().optional().describe('Its private key, PEM.').meta({ example: 'client.key' }),
    proxy: z
      .url({ protocol: /^http$/, error: 'must be a URL that starts with http://' })
      .optional()
      .describe('An HTTP proxy that everything goes through. It looks names up, so it decides what they may lead to.')
      .meta({ example: 'http://proxy.example.org:3128' }),
  })
  .prefault({})
  .describe('Connections that this server opens: to other servers, to what users link to, to push gateways.')
