import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { RoomVersion } from '../../room/versions.ts'
import type { Db } from '../../storage/db.ts'
import { namesOf } from '../../storage/names.ts'
import { lastStateChange } from '../../storage/rooms/current-state.ts'
import type { EventRow } from '../../storage/rooms/events.ts'
import * as memberships from '../../storage/rooms/memberships.ts'
import { listRelatedTo } from '../../storage/rooms/relations.ts'
import { countRoomServers } from '../../storage/rooms/room-servers.ts'
import { listExtremities, type RoomRow } from '../../storage/rooms/rooms.ts'
import { listNewest } from '../../storage/rooms/timeline.ts'
import { lastTimelineGap } from '../../storage/rooms/timeline-gaps.ts'
import { listTransactionsOf } from '../../storage/rooms/transactions.ts'
import { LiveRoom } from './live-room.ts'
import { StoredEvent } from './stored-event.ts'
import { TAIL_EVENTS, TimelineTail } from './timeline-tail.ts'

/** Reads what a room in memory consists of. The current state comes later, as it is asked for. */
export async function loadRoom(db: Db, row: RoomRow, version: RoomVersion): Promise<LiveRoom> {
  const roomId = row.room_id
  const wrap = (event: EventRow) => new StoredEvent(event, roomId, version)
  const tail = await loadTail(db, row.nid, wrap)
  const extremities = await listExtremities(db, row.nid)
  const localNids = await memberships.listLocalMemberNids(db, row.nid, 'join')
  const names = await namesOf(db, localNids)
  return new LiveRoom(db, {
    nid: row.nid,
    roomId,
    version,
    stateNid: row.state_nid ?? undefined,
    extremities: extremities.map(wrap),
    tail,
    lastPos: Math.max(tail.events.at(-1)?.pos ?? 0, await lastStateChange(db, row.nid)),
    lastGap: await lastTimelineGap(db, row.nid, Number.MAX_SAFE_INTEGER),
    localJoined: names.values() as Iterable<UserId>,
    servers: await countRoomServers(db, row.nid),
    counts: await memberships.countMembers(db, row.nid),
    partialJoinNid: row.partial_join_nid ?? undefined,
    wholePos: row.whole_pos,
  })
}

/** A room before its first event. */
export const blankRoom = (db: Db, room: { nid: number; roomId: RoomId; version: RoomVersion }): LiveRoom =>
  new LiveRoom(db, {
    ...room,
    stateNid: undefined,
    extremities: [],
    tail: new TimelineTail({ events: [], floor: 0, related: [], txns: [] }),
    lastPos: 0,
    lastGap: 0,
    localJoined: [],
    servers: new Map(),
    counts: new Map(),
    partialJoinNid: undefined,
    wholePos: 0,
  })

async function loadTail(db: Db, roomNid: number, wrap: (event: EventRow) => StoredEvent): Promise<TimelineTail> {
  const newest = await listNewest(db, roomNid, Number.MAX_SAFE_INTEGER, TAIL_EVENTS)
  const tail = newest.reverse().map(wrap)
  const txns = await listTransactionsOf(
    db,
    tail.map((event) => event.nid),
  )
  return new TimelineTail({
    events: tail,
    floor: tail.length < TAIL_EVENTS ? 0 : (tail[0]?.pos ?? 1) - 1,
    related: await listRelatedTo(
      db,
      roomNid,
      tail.map((event) => event.eventId),
    ),
    txns: txns.map((row) => [row.event_nid, { deviceNid: row.device_nid, pathCrc: row.path_crc, txnId: row.txn_id }]),
  })
}
