import { setTimeout as sleep } from 'node:timers/promises'
import { COMMON, NEVER, OFTEN, SELDOM } from '../fill.ts'
import { saturate } from '../load/paced.ts'
import { latencies, median, ms } from '../load/statistics.ts'
import type { User } from '../load/user.ts'
import type { Scenario } from '../scenario.ts'

const ROOMS = 50
const BAR_MS = 20
const INDEX_LIMIT_MS = 300_000

interface Found {
  search_categories: { room_events: { count: number; results: unknown[] } }
}

async function search(user: User, term: string, order: 'recent' | 'rank'): Promise<number> {
  const room_events = { search_term: term, order_by: order }
  const found = await user.http.json<Found>('POST', '/_matrix/client/v3/search', user.token, {
    search_categories: { room_events },
  })
  return found.search_categories.room_events.results.length
}

/** Rooms that filling the database has made, the longest first; in an empty database there are none. */
async function filledRooms(user: User, count: number): Promise<string[]> {
  const named = async (term: string, limit: number) => {
    const { chunk } = await user.http.json<{ chunk: { room_id: string }[] }>(
      'POST',
      '/_matrix/client/v3/publicRooms',
      user.token,
      { limit, filter: { generic_search_term: term } },
    )
    return chunk.map((room) => room.room_id)
  }
  return [...new Set([...(await named('회의실 0', 1)), ...(await named('회의실', count))])].slice(0, count)
}

/** Searching Korean in 50 rooms of a large database, the longest among them; and until a new message is found. */
export const searching: Scenario = {
  name: 'search',
  async run(world) {
    const [user] = await world.users(1)
    if (!user) throw new Error('No user')
    for (const roomId of await filledRooms(user, ROOMS)) await user.join(roomId)
    const own = await user.createRoom()
    await user.send(own, '색인끝')
    const started = performance.now()
    while ((await search(user, '색인끝', 'recent')) === 0) {
      if (performance.now() - started > INDEX_LIMIT_MS) throw new Error('The index does not get there')
      await sleep(100)
    }
    const waited = performance.now() - started
    const figures = []
    for (const [what, term] of [
      ['in every message', COMMON],
      ['in every hundredth', OFTEN],
      ['in every ten thousandth', SELDOM],
      ['of one syllable', COMMON.slice(0, 1)],
      ['that nobody said', NEVER],
    ] as const) {
      for (const order of ['recent', 'rank'] as const) {
        const samples: number[] = []
        await saturate(1, Math.min(world.seconds, 3), async () => {
          const from = performance.now()
          await search(user, term, order)
          samples.push(performance.now() - from)
        })
        figures.push({
          what: `search in ${ROOMS} rooms for a word ${what}, by ${order}`,
          figure: latencies(samples),
          bar: ms(BAR_MS),
          holds: median(samples) <= BAR_MS,
        })
      }
    }
    const found: number[] = []
    for (let index = 0; index < 20; index++) {
      const from = performance.now()
      await user.send(own, `새소식${index}번`)
      while ((await search(user, `새소식${index}번`, 'recent')) === 0) await sleep(5)
      found.push(performance.now() - from)
    }
    return [
      { what: 'until the index was there', figure: ms(waited) },
      ...figures,
      { what: 'from sending a message to finding it', figure: latencies(found) },
    ]
  },
}
