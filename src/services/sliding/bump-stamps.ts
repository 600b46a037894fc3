import type { Db } from '../../storage/db.ts'
import { nameNids } from '../../storage/names.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'

/** What counts as activity in a room for those who sort their rooms by it (MSC4186: bump_stamp). */
const BUMP_TYPES = [
  'm.room.create',
  'm.room.message',
  'm.room.encrypted',
  'm.sticker',
  'm.call.invite',
  'm.poll.start',
  'org.matrix.msc3381.poll.start',
  'm.beacon_info',
  'org.matrix.msc3672.beacon_info',
]
const PAGE = 100
/** Events that are looked at; a room in which only members have moved for longer counts as active when they began. */
const MAX_SCANNED = 1_000

/** The position of the newest activity in (`after`, `upTo`]; undefined: there was none. */
export async function bumpStamp(db: Db, room: LiveRoom, after: number, upTo: number): Promise<number | undefined> {
  const bumps = new Set((await nameNids(db, BUMP_TYPES)).values())
  let oldest: StoredEvent | undefined
  for (let scanned = 0, before = upTo; scanned < MAX_SCANNED; scanned += PAGE) {
    const page = await room.newest(after, before, PAGE)
    const found = page.find((event) => bumps.has(event.row.type_nid))
    if (found) return found.pos
    oldest = page.at(-1) ?? oldest
    if (!oldest || page.length < PAGE) break
    before = oldest.pos - 1
  }
  return after === 0 ? oldest?.pos : undefined
}
