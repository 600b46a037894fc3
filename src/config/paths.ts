import { z } from 'zod'

export const paths = z
  .strictObject({
    signing_key_file: z
      .string()
      .prefault('signing.key')
      .describe("The server's own key. Back it up, and keep it secret."),
    old_keys_file: z
      .string()
      .prefault('signing.key.old')
      .describe('Public keys that it signed with before; `bongsu key rotate` adds to them.'),
    socket_file: z
      .string()
      .prefault('bongsu.sock')
      .describe('The Unix socket through which the command line talks to the running server.'),
  })
  .prefault({})
  .describe('Files of the server. Relative paths, here and elsewhere, start at the directory of this file.')
