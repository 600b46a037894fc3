import { loadConfig } from '../config/load.ts'
import { createServer } from '../server.ts'
import { edgesOf } from './edges.ts'
import type { Terminal } from './terminal.ts'

/** `bongsu migrate`: opening the database is all it takes; the log names what was done. */
export async function migrateDatabase(configFile: string, terminal: Terminal): Promise<void> {
  const server = await createServer(loadConfig(configFile), edgesOf(terminal))
  await server.close()
  terminal.print('The database is up to date.')
}
