import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listMemberNidsOfServer } from '../../../storage/rooms/memberships.ts'
import { listReplacedAtAny } from '../../../storage/rooms/state-history.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'

/** Users of the server, and changes of their memberships, that are looked at. */
const MAX_MEMBERS = 1_000
const MAX_CHANGES = 100
const MEMBER = 'm.room.member'

/**
 * Tells of events whether a server that is in the room no more was still there when they came. A server that was away while
 * its last user was thrown out gets that event with a gap before it: if it could not ask for what lies between, it would
 * never learn that it is out.
 */
export async function whileThere(db: Db, room: LiveRoom, server: string): Promise<(event: StoredEvent) => boolean> {
  const members = await listMemberNidsOfServer(db, room.nid, server, MAX_MEMBERS)
  const typeNid = (await nameNids(db, [MEMBER])).get(MEMBER) ?? 0
  const changes = members.length === 0 ? [] : await listReplacedAtAny(db, room.nid, typeNid, members, MAX_CHANGES)
  const departure = changes.find((row) => new StoredEvent(row, room.roomId, room.version).membership === 'join')
  if (!departure) return () => false
  const { until_pos: leftAt, by_nid: leaveNid } = departure
  // What has no position, because it is of no timeline, is as old as its number.
  return ({ nid, row }) => (row.pos === null ? nid <= (leaveNid ?? 0) : row.pos <= leftAt)
}
