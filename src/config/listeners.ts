import { z } from 'zod'

/** What a listener can serve. */
export const apis = ['client', 'federation', 'health', 'metrics'] as const

const listener = z.strictObject({
  address: z
    .string()
    .prefault('127.0.0.1')
    .describe('The address to listen on. 0.0.0.0 or :: is every address of the machine.'),
  port: z.int().min(0).max(65_535).describe('The TCP port.').meta({ example: 8008 }),
  serves: z
    .array(z.enum(apis))
    .min(1)
    .describe(
      'What is served here: client (for clients), federation (for other servers), health (GET /health), metrics (GET /metrics, Prometheus).',
    )
    .meta({ example: ['client', 'health'] }),
  tls: z
    .strictObject({
      certificate_file: z.string().describe('The certificate with its chain, PEM.').meta({ example: 'tls.crt' }),
      key_file: z.string().describe('Its private key, PEM.').meta({ example: 'tls.key' }),
    })
    .optional()
    .describe('Serve HTTPS. Without it the listener speaks plain HTTP, for a reverse proxy in front.'),
})

export const listeners = z
  .array(listener)
  .min(1)
  .prefault([
    { address: '127.0.0.1', port: 8008, serves: ['client', 'health'] },
    { address: '127.0.0.1', port: 8009, serves: ['health', 'metrics'] },
  ])
  .describe(
    'Where the server listens, and what it serves there. Keep metrics on an address that strangers cannot reach.',
  )

export const trustedProxies = z
  .array(
    z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
      error: 'must be an address or a network such as 10.0.0.0/8',
    }),
  )
  .prefault([])
  .describe('Reverse proxies (addresses or networks) whose X-Forwarded-For header is believed.')
  .meta({ example: ['127.0.0.1'] })
