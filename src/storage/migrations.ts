import type { Kysely } from 'kysely'
import * as foundation from '../../migrations/0001_foundation.ts'
import * as transactionPaths from '../../migrations/0002_transaction_paths.ts'
import type { Columns } from './dialect.ts'

/** One step of the schema. Forward only: it runs once, in a transaction with the record that it ran. */
export interface Migration {
  readonly name: string
  up(db: Kysely<unknown>, columns: Columns): Promise<void>
}

/** In order; the position is the schema version. Imported one by one, so that the built program carries them. */
export const migrations: readonly Migration[] = [
  { name: '0001_foundation', up: foundation.up },
  { name: '0002_transaction_paths', up: transactionPaths.up },
]
