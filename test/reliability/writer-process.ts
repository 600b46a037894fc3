/** Writes entries until it is killed, and prints each one's name when it is acknowledged. Argument: the database. */
import { stdout } from 'node:process'
import { openDatabase } from '../../src/storage/db.ts'
import { lockDatabase } from '../../src/storage/lock.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { writeEntry } from './ledger.ts'

const WRITERS = 40
/** Small, so that kills also meet checkpoints and logs that start over. */
const LOG = { checkpointPages: 100, capPages: 400 }

const [path = '', life = ''] = process.argv.slice(2)
const config = { kind: 'sqlite', path, log: LOG } as const
const fail = (error: unknown) => {
  throw error
}
await lockDatabase(config, fail)
const db = await openDatabase(config, { onFatal: fail, onCheckpointFailed: fail })
await migrate(db)
await Promise.all(
  Array.from({ length: WRITERS }, async (_, writer) => {
    for (let i = 0; ; i++) {
      const entry = `${life}.${writer}.${i}`
      await writeEntry(db, entry)
      // Waits for a reader that is behind; a bare write would fail then.
      await new Promise((resolve) => stdout.write(`${entry}\n`, resolve))
    }
  }),
)
