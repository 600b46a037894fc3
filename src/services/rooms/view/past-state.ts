import { skimPdu } from '../../../room/event.ts'
import { historyVisibilityOf, type Sight } from '../../../room/visibility.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid } from '../../../storage/rooms/events.ts'
import { stateEntries } from '../../../storage/state/state.ts'
import { lruCache } from '../../../util/lru.ts'

const NOTHING: Sight = { visibility: 'shared', membership: undefined }
const MAX_CACHED = 50_000
const HISTORY_VISIBILITY = 'm.room.history_visibility'
const MEMBER = 'm.room.member'

/** Reads what a room's states say about one user: all that visibility depends on. States never change, and neither field is lost to a redaction. */
export class PastState {
  readonly #db: Db
  readonly #cache = lruCache<string, Sight>(MAX_CACHED)

  constructor(db: Db) {
    this.#db = db
  }

  /** What these states say about the user. */
  async sights(stateNids: Iterable<number>, userNid: number): Promise<Map<number, Sight>> {
    const found = new Map<number, Sight>()
    const missing: number[] = []
    for (const stateNid of new Set(stateNids)) {
      const known = this.#cache.get(`${stateNid} ${userNid}`)
      if (known) found.set(stateNid, known)
      else missing.push(stateNid)
    }
    if (missing.length === 0) return found
    for (const [stateNid, sight] of await this.#read(missing, userNid)) {
      found.set(stateNid, sight)
      this.#cache.set(`${stateNid} ${userNid}`, sight)
    }
    return found
  }

  async #read(stateNids: readonly number[], userNid: number): Promise<Map<number, Sight>> {
    const db = this.#db
    const names = await nameNids(db, [HISTORY_VISIBILITY, MEMBER, ''])
    const visibilityNid = names.get(HISTORY_VISIBILITY)
    const memberNid = names.get(MEMBER)
    const emptyNid = names.get('')
    if (memberNid === undefined) return new Map(stateNids.map((nid) => [nid, NOTHING]))
    const wanted = [{ typeNid: memberNid, keyNid: userNid }]
    if (visibilityNid !== undefined && emptyNid !== undefined) {
      wanted.push({ typeNid: visibilityNid, keyNid: emptyNid })
    }
    const states = await Promise.all(stateNids.map((nid) => stateEntries(db, nid, wanted)))
    const eventNids = new Set(states.flat().map((entry) => entry.eventNid))
    const rows = await eventsByNid(db, [...eventNids])
    const pdus = new Map(rows.map((row) => [row.nid, skimPdu(row.json)]))
    return new Map(
      states.map((entries, index) => {
        const pduOf = (typeNid: number | undefined) =>
          pdus.get(entries.find((entry) => entry.typeNid === typeNid)?.eventNid ?? 0)
        const membership = pduOf(memberNid)?.content.membership
        const sight: Sight = {
          visibility: historyVisibilityOf(pduOf(visibilityNid)),
          membership: typeof membership === 'string' ? membership : undefined,
        }
        return [stateNids[index] as number, sight]
      }),
    )
  }
}
