import type { Config } from '../config/schema.ts'
import type { Reading } from '../services/reading/reading.ts'
import type { Append } from '../services/rooms/append.ts'
import type { Viewer } from '../services/rooms/viewer.ts'
import { type SearchInput, searchMessages } from '../services/search/search.ts'
import { SearchIndex } from '../services/search/search-index.ts'
import { SearchedRooms } from '../services/search/searched-rooms.ts'
import { isIndexBehind } from '../storage/search/open.ts'
import { SearchThread } from '../storage/search/search-thread.ts'
import type { Ground } from './ground.ts'
import { databaseOf } from './settings.ts'

/** Finding what was said. */
export function composeSearch(config: Config, { db, clock, log, lifetime }: Ground, append: Append, reading: Reading) {
  const index = new SearchIndex({
    db,
    clock,
    thread: new SearchThread(databaseOf(config)),
    onFailure: (err) => log.error({ err }, 'indexing messages for the search failed; it goes on with the next message'),
  })
  lifetime.add({
    // Where the index has everything, its thread need not start.
    start: async () => {
      if (await isIndexBehind(databaseOf(config), db)) index.wake()
    },
    close: () => index.close(),
  })
  const rooms = new SearchedRooms(db)
  append.onAppended(({ room, events, changes }) => {
    if (events.length > 0) index.wake()
    if (changes.some(({ event, replaces }) => (event ?? replaces)?.type === 'm.room.history_visibility')) {
      rooms.forget(room.nid)
    }
  })
  return {
    searchIndex: index,
    searchMessages: (viewer: Viewer, input: SearchInput, nextBatch: string | undefined) =>
      searchMessages({ reading, index, rooms }, viewer, input, nextBatch),
  }
}
