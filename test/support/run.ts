import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import pg from 'pg'

/** What the processes of one `vitest run` share: a folder, and a beginning of the names of schemas in PostgreSQL. */
export interface Run {
  readonly folder: string
  readonly schemaPrefix: string
}

const VARIABLE = 'BONGSU_TEST_RUN'

export function currentRun(): Run {
  const folder = process.env[VARIABLE]
  if (folder === undefined) throw new Error('This needs a run of vitest')
  return { folder, schemaPrefix: `${basename(folder).toLowerCase().replaceAll('-', '_')}_` }
}

/** vitest calls this before it starts its processes. */
export function setup(): void {
  process.env[VARIABLE] ??= mkdtempSync(join(tmpdir(), 'bongsu-run-'))
}

/** And this after they have ended. */
export async function teardown(): Promise<void> {
  if (process.env[VARIABLE] === undefined) return // another project of the same run has done it
  const { folder, schemaPrefix } = currentRun()
  delete process.env[VARIABLE]
  rmSync(folder, { recursive: true, force: true })
  if (process.env.TEST_PG !== undefined) await dropSchemas(process.env.TEST_PG, schemaPrefix)
}

async function dropSchemas(url: string, prefix: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const { rows } = await client.query('select nspname as name from pg_namespace where starts_with(nspname, $1)', [
      prefix,
    ])
    for (const { name } of rows) await client.query(`drop schema ${name} cascade`) // one by one: each takes many locks
  } finally {
    await client.end()
  }
}
