import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { searchPath } from '../../src/storage/search/open.ts'
import { SearchThread } from '../../src/storage/search/search-thread.ts'
import { CheckpointThread } from '../../src/storage/sqlite/checkpoint-thread.ts'
import { freshSqlite } from '../support/fresh-database.ts'
import { migratedSqlite } from '../support/migrated-database.ts'

const QUERY = { words: [], roomNids: [], senderNids: undefined, kinds: undefined }

describe('the threads beside an SQLite database', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  async function migrated(): Promise<{ kind: 'sqlite'; path: string }> {
    const { config, remove } = await freshSqlite()
    closing.push(remove)
    await migratedSqlite(config.path)
    return config
  }

  it('answer again after they have rested', async () => {
    const thread = new SearchThread(await migrated(), 1)
    closing.push(() => thread.close())
    for (let round = 0; round < 3; round++) {
      expect(await thread.reach(0, true)).toBe(0)
      expect(await thread.count(QUERY, 10)).toBe(0)
      await sleep(20) // by now it has ended
    }
  })

  it('can be closed at any moment of their start', async () => {
    const config = await migrated()
    const startAndClose = async (afterMs: number) => {
      const search = new SearchThread(config)
      const checkpoints = new CheckpointThread(config.path)
      const asked = Promise.allSettled([search.reach(0, false), checkpoints.run()])
      await sleep(afterMs)
      await Promise.all([search.close(), checkpoints.close()])
      await asked
    }
    await Promise.all([0, 20, 40, 60, 80, 100, 120, 140].map(startAndClose))
  })

  it('fail what they have not answered as they are closed', async () => {
    const config = await migrated()
    const search = new SearchThread(config)
    const checkpoints = new CheckpointThread(config.path)
    const asked = [search.reach(0, true), search.count(QUERY, 10), checkpoints.run()].map((answer) =>
      expect(answer).rejects.toThrow('has ended'),
    )
    await Promise.all([search.close(), checkpoints.close(), ...asked])
    await Promise.all([search.close(), checkpoints.close()])
  })

  it('leave no log of the index behind', async () => {
    const config = await migrated()
    const thread = new SearchThread(config)
    expect(await thread.count(QUERY, 10)).toBe(0)
    expect(existsSync(`${searchPath(config.path)}-wal`)).toBe(true)
    await thread.close()
    expect(existsSync(`${searchPath(config.path)}-wal`)).toBe(false)
  })

  it('say why they cannot start, and are closed all the same', async () => {
    const path = '/nowhere/bongsu.db'
    const search = new SearchThread({ kind: 'sqlite', path })
    const checkpoints = new CheckpointThread(path)
    await expect(search.reach(0, false)).rejects.toThrow('directory does not exist')
    await expect(checkpoints.run()).rejects.toThrow('directory does not exist')
    await Promise.all([search.close(), checkpoints.close()])
  })
})
