import * as foundation from '../../migrations/0001_foundation.ts'
import type { Migration } from './migrate.ts'

/** In order; the position is the schema version. Imported one by one, so that the built program carries them. */
export const migrations: readonly Migration[] = [{ name: '0001_foundation', up: foundation.up }]
