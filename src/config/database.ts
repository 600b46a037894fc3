import { z } from 'zod'
import { withSecretFile } from './secret.ts'
import { size } from './units.ts'

const sqlite = z.strictObject({
  kind: z.literal('sqlite'),
  path: z.string().prefault('bongsu.db').describe('The database file.'),
  cache: size
    .prefault('8MiB')
    .describe('Page cache of each of the two connections. What it lacks, the system mostly has.'),
})

const postgres = withSecretFile(
  'url',
  z.strictObject({
    kind: z.literal('postgres'),
    url: z
      .string()
      .optional()
      .describe('Its address. The database must have the collation C.')
      .meta({ example: 'postgres://bongsu:secret@localhost/bongsu' }),
    url_file: z
      .string()
      .optional()
      .describe('A file that holds the address, instead of url.')
      .meta({ example: 'database-url' }),
    schema: z
      .string()
      .optional()
      .describe("Where the tables are, when not in the role's own search path.")
      .meta({ example: 'bongsu' }),
    max_connections: z.int().min(2).prefault(10).describe('Connections that this process may open.'),
  }),
).transform(({ url, ...rest }, ctx) => {
  if (url !== undefined) return { ...rest, url }
  ctx.addIssue({ code: 'custom', path: ['url'], message: 'is missing: give url or url_file' })
  return z.NEVER
})

export const database = z
  .discriminatedUnion('kind', [sqlite, postgres])
  .prefault({ kind: 'sqlite' })
  .describe('Where everything is kept: an SQLite file, or a PostgreSQL server.')
