import type { Config } from '../config/schema.ts'
import { MatrixError } from '../matrix/errors.ts'
import type { Reading } from '../services/reading/reading.ts'
import type { Append } from '../services/rooms/append.ts'
import type { ErasedUsers } from '../services/rooms/view/erased-users.ts'
import type { Viewer } from '../services/rooms/view/viewer.ts'
import { searchMessages } from '../services/search/search.ts'
import { SearchIndex } from '../services/search/search-index.ts'
import type { SearchInput } from '../services/search/search-input.ts'
import { SearchedRooms } from '../services/search/searched-rooms.ts'
import { indexState, removeIndex } from '../storage/search/open.ts'
import { SearchThread } from '../storage/search/search-thread.ts'
import type { LongText } from '../util/long-text.ts'
import type { Ground } from './ground.ts'
import { databaseOf } from './settings.ts'

interface Search {
  /** undefined: messages are not searched here. */
  readonly searchIndex: SearchIndex | undefined
  /** The answer as JSON text. Throws `M_UNRECOGNIZED` where messages are not searched. */
  searchMessages(viewer: Viewer, input: SearchInput, nextBatch: string | undefined): Promise<LongText>
}

/** Finding what was said. */
export function composeSearch(
  config: Config,
  ground: Ground,
  append: Append,
  reading: Reading,
  erased: ErasedUsers,
): Search {
  return config.search.messages ? withIndex(config, ground, append, reading, erased) : withoutIndex(config, ground)
}

function withIndex(
  config: Config,
  { db, clock, log, lifetime }: Ground,
  append: Append,
  reading: Reading,
  erased: ErasedUsers,
): Search {
  const index = new SearchIndex({
    db,
    clock,
    thread: new SearchThread(databaseOf(config)),
    onFailure: (err) => log.error({ err }, 'indexing messages for the search failed; it goes on with the next message'),
  })
  lifetime.add({
    // Where the index has everything, its thread need not start.
    start: async () => {
      if ((await indexState(databaseOf(config), db)).isBehind) index.wake()
    },
    close: () => index.close(),
  })
  const rooms = new SearchedRooms(db, erased)
  append.onAppended(({ room, events, changes }) => {
    if (events.length > 0) index.wake()
    if (changes.some(({ event, replaces }) => (event ?? replaces)?.type === 'm.room.history_visibility')) {
      rooms.forget(room.nid)
    }
  })
  return {
    searchIndex: index,
    searchMessages: (viewer, input, nextBatch) => searchMessages({ reading, index, rooms }, viewer, input, nextBatch),
  }
}

/** What an index that was there before knows must not stay: nobody would take out of it what is redacted. */
function withoutIndex(config: Config, { db, lifetime }: Ground): Search {
  lifetime.add({ start: () => removeIndex(databaseOf(config), db) })
  return {
    searchIndex: undefined,
    searchMessages: async () => {
      throw new MatrixError('M_UNRECOGNIZED', 'Messages cannot be searched on this server')
    },
  }
}
