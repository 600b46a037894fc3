import { z } from 'zod'
import { duration } from './units.ts'

const common = {
  if_away: z
    .enum(['refuse', 'accept'])
    .prefault('refuse')
    .describe('What becomes of a file that the scanner says nothing about: refuse or accept it.'),
  timeout: duration.prefault('60s').describe('How long it may take over one file.'),
  max_concurrent: z.int().min(1).prefault(4).describe('Files that it is given at once.'),
}

const none = z.strictObject({ kind: z.literal('none') })

const clamd = z.strictObject({
  kind: z.literal('clamd'),
  path: z
    .string()
    .optional()
    .describe('Its socket, where it is on this machine.')
    .meta({ example: '/run/clamav/clamd.ctl' }),
  host: z.string().prefault('127.0.0.1').describe('The machine that it is on, where there is no path.'),
  port: z.int().min(1).max(65_535).prefault(3310).describe('Its port there.'),
  ...common,
})

const icap = z.strictObject({
  kind: z.literal('icap'),
  url: z
    .url({ protocol: /^icap$/, error: 'must be a URL that starts with icap://' })
    .describe('The service.')
    .meta({ example: 'icap://scanner.example.org:1344/avscan' }),
  method: z
    .enum(['RESPMOD', 'REQMOD'])
    .prefault('RESPMOD')
    .describe('How it is asked: as about a download (RESPMOD), or an upload (REQMOD).'),
  ...common,
})

export const scanner = z
  .discriminatedUnion('kind', [none, clamd, icap])
  .prefault({ kind: 'none' })
  .describe(
    'A virus scanner that gets every new file before anybody can read it: clamd (its StreamMaxLength must be at least max_upload), or a service over ICAP. What is encrypted it cannot see into.',
  )
