import { copyFileSync, fdatasync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '../../src/storage/db.ts'
import { migrate } from '../../src/storage/migrate.ts'
import { freshSqlite } from '../support/fresh-database.ts'
import { readLedger, writeEntry } from './ledger.ts'
import { rounds, timeoutMs } from './length.ts'

const dataSync = promisify(fdatasync)
const WRITERS = 30
const WRITES_EACH = 20
const NO_CHECKPOINTS = { checkpointPages: 1e9, capPages: 1e9 }

/**
 * A disk that keeps, through a power cut, only what the log held when the last completed sync began. `lies`: it says
 * that a sync is complete when it has only begun.
 */
class Disk {
  readonly #path: string
  readonly #lies: boolean
  #durable = Buffer.alloc(0)
  #syncing: Promise<unknown> = Promise.resolve()

  constructor(path: string, lies: boolean) {
    this.#path = path
    this.#lies = lies
  }

  readonly sync = async (fd: number): Promise<void> => {
    const held = readFileSync(`${this.#path}-wal`)
    this.#syncing = dataSync(fd).then(() => {
      this.#durable = held
    })
    if (!this.#lies) await this.#syncing
  }

  /** Resolves when the disk has really done what it was asked to. */
  async settled(): Promise<void> {
    await this.#syncing
  }

  /** What the database holds when the power fails now. */
  cut() {
    const folder = mkdtempSync(join(tmpdir(), 'bongsu-cut-'))
    try {
      const path = join(folder, 'bongsu.db')
      copyFileSync(this.#path, path)
      writeFileSync(`${path}-wal`, this.#durable)
      return readLedger(path)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
}

/** Cuts the power again and again under load; returns the acknowledged entries that were lost, and all damage. */
async function cutUnderLoad(lies: boolean): Promise<{ lost: string[]; damage: string[]; cuts: number }> {
  const { config, remove } = await freshSqlite()
  onTestFinished(remove)
  const disk = new Disk(config.path, lies)
  const db = await openDatabase({ ...config, log: NO_CHECKPOINTS }, { sync: disk.sync })
  await migrate(db)
  await disk.settled()
  const acknowledged = new Set<string>()
  const found = { lost: new Set<string>(), damage: new Set<string>(), cuts: 0 }
  const cut = () => {
    const { entries, damage } = disk.cut()
    for (const entry of acknowledged) if (!entries.has(entry)) found.lost.add(entry)
    for (const line of damage) found.damage.add(line)
    found.cuts++
  }
  await Promise.all(
    Array.from({ length: WRITERS }, async (_, writer) => {
      for (let i = 0; i < WRITES_EACH; i++) {
        const entry = `${writer}.${i}`
        await writeEntry(db, entry)
        acknowledged.add(entry)
        if (acknowledged.size % 37 === 0) cut()
      }
    }),
  )
  await db.destroy()
  return { lost: [...found.lost], damage: [...found.damage], cuts: found.cuts }
}

describe('a power cut', () => {
  it(
    'loses nothing that was acknowledged',
    async () => {
      for (const _ of rounds(2)) {
        const { lost, damage, cuts } = await cutUnderLoad(false)
        expect(lost).toEqual([])
        expect(damage).toEqual([])
        expect(cuts).toBeGreaterThan(10)
      }
    },
    timeoutMs,
  )

  it('would be noticed here if answers came before the sync', async () => {
    const { lost } = await cutUnderLoad(true)
    expect(lost.length).toBeGreaterThan(0)
  })
})
