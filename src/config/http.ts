import { z } from 'zod'
import { duration, size } from './units.ts'

export const http = z
  .strictObject({
    max_connections: z.int().positive().prefault(10_000).describe('Connections at once, of each listener.'),
    headers_timeout: duration.prefault('10s').describe('A request must have sent its headers by then.'),
    body_timeout: duration.prefault('30s').describe('A request must have sent its body by then.'),
    keep_alive: duration
      .prefault('75s')
      .describe('An idle connection is kept so long. Longer than a reverse proxy keeps it, or requests get lost.'),
    max_buffered_bodies: size
      .prefault('64MiB')
      .describe('All request bodies that are being received may hold so much memory together.'),
    token_in_query: z
      .boolean()
      .prefault(true)
      .describe('Accept access tokens in the query string, as old clients and bots send them.'),
  })
  .prefault({})
  .describe('Limits of the HTTP server.')
