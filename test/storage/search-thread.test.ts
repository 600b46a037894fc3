import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SearchThread } from '../../src/storage/search/search-thread.ts'
import { freshSqlite } from '../support/fresh-database.ts'
import { migratedSqlite } from '../support/migrated-database.ts'

test('The thread of the search index answers again after it has rested', async () => {
  const { config, remove } = await freshSqlite()
  await migratedSqlite(config.path)
  const thread = new SearchThread(config, 1)
  const query = { words: [], roomNids: [], senderNids: undefined, kinds: undefined }
  for (let round = 0; round < 3; round++) {
    expect(await thread.reach(0, true)).toBe(0)
    expect(await thread.count(query, 10)).toBe(0)
    await sleep(20) // by now it has ended
  }
  await thread.close()
  await remove()
})
