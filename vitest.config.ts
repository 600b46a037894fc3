import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

const sqlite = { extends: true, test: { name: 'sqlite', include: ['test/**/*.test.ts'] } } as const
/** Tests of storage look for PostgreSQL themselves; those that talk to a server run once more with servers on it. */
const postgres = {
  extends: true,
  test: {
    name: 'postgres',
    include: ['test/{http,clients,federation}/**/*.test.ts'],
    env: { TEST_SERVERS_ON: 'postgres' },
  },
} as const

// biome-ignore lint/style/noDefaultExport: vitest looks for one
export default defineConfig({
  test: {
    maxWorkers: availableParallelism(), // tests share nothing, and wait a good deal
    isolate: false, // nor do they change what they import: that is read once for each worker, not for each file
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node') }, // threads and processes start at once
    globalSetup: 'test/support/run.ts',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    silent: 'passed-only', // matrix-js-sdk tells all it does
    execArgv: ['--expose-gc'], // tests that watch memory collect garbage first
    projects: process.env.TEST_PG ? [sqlite, postgres] : [sqlite],
  },
})
