import { z } from 'zod'
import { withSecretFile } from './secret.ts'
import { duration } from './units.ts'

const turn = withSecretFile(
  'shared_secret',
  z.strictObject({
    uris: z
      .array(z.string().regex(/^turns?:/, 'must begin with turn: or turns:'))
      .prefault([])
      .describe('Servers that carry calls where two devices do not reach each other (coturn). None: none are named.')
      .meta({ example: ['turn:turn.example.org:3478?transport=udp', 'turns:turn.example.org:5349?transport=tcp'] }),
    shared_secret: z
      .string()
      .min(1)
      .optional()
      .describe("Their secret (coturn's static-auth-secret), from which each user gets a password that ends.")
      .meta({ example: 'a long random text' }),
    shared_secret_file: z
      .string()
      .optional()
      .describe('A file that holds it, instead of shared_secret.')
      .meta({ example: 'turn-secret' }),
    lifetime: duration.prefault('1h').describe('How long such a password is good.'),
  }),
)
  .refine(({ uris, shared_secret }) => uris.length === 0 || shared_secret !== undefined, 'needs shared_secret')
  .prefault({})
  .describe('TURN servers, for calls of two.')

export const calls = z
  .strictObject({
    turn,
    rtc_transports: z
      .array(z.looseObject({ type: z.string() }).describe('One server, as its type has it.'))
      .prefault([])
      .describe('Servers that carry calls of many (MatrixRTC); also published in /.well-known/matrix/client.')
      .meta({ example: [{ type: 'livekit', livekit_service_url: 'https://livekit.example.org' }] }),
  })
  .prefault({})
  .describe('Calls: the servers that carry sound and pictures, which are no part of this one.')
