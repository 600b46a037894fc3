import type { Db } from '../../storage/db.ts'
import { listCurrentState } from '../../storage/rooms/current-state.ts'
import { type EventRow, eventsByNid } from '../../storage/rooms/events.ts'
import { loadState } from '../../storage/state/state.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'

// What a page takes to read and to render is well below what would hold up the others.
const PAGE = 200

interface StateKey {
  typeNid: number
  keyNid: number
}
type Page = (after: StateKey) => Promise<EventRow[]>

/** Which state: that of the room now, or one that is stored (`undefined`: now). `onlyType`: the entries of one type. */
export interface StateChoice {
  readonly stateNid?: number | undefined
  readonly onlyType?: number
  readonly exceptType?: number
}

/** State events page by page, with the turn given back between them: a large room's state takes a while. */
export async function* statePages(db: Db, room: LiveRoom, choice: StateChoice = {}): AsyncGenerator<StoredEvent[]> {
  const { onlyType, exceptType } = choice
  const page = choice.stateNid === undefined ? currentPage(db, room) : storedPage(db, choice.stateNid, choice)
  const turn = new Turn()
  let after: StateKey = { typeNid: onlyType ?? 0, keyNid: 0 }
  for (;;) {
    const rows = await page(after)
    const last = rows.at(-1)
    const wanted = rows.filter(
      ({ type_nid }) => (onlyType === undefined || type_nid === onlyType) && type_nid !== exceptType,
    )
    if (wanted.length > 0) yield wanted.map((row) => new StoredEvent(row, room.roomId, room.version))
    if (!last || rows.length < PAGE || (onlyType !== undefined && last.type_nid > onlyType)) return
    after = { typeNid: last.type_nid, keyNid: last.key_nid ?? 0 }
    if (turn.isOver) await turn.give()
  }
}

const currentPage =
  (db: Db, room: LiveRoom): Page =>
  (after) =>
    listCurrentState(db, room.nid, after, PAGE)

const storedPage =
  (db: Db, stateNid: number, { onlyType, exceptType }: StateChoice): Page =>
  async (after) => {
    const part = {
      after,
      limit: PAGE,
      ...(onlyType !== undefined && { onlyType }),
      ...(exceptType !== undefined && { exceptType }),
    }
    const entries = await loadState(db, stateNid, part)
    const rows = new Map(
      (
        await eventsByNid(
          db,
          entries.map((entry) => entry.eventNid),
        )
      ).map((row) => [row.nid, row]),
    )
    return entries.map((entry) => rows.get(entry.eventNid)).filter((row) => row !== undefined)
  }
