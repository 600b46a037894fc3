import { beforeEach, describe, expect, it } from 'vitest'
import { collapseQueue } from '../../src/federation/sending/collapse.ts'
import { listDevicesAfter, listUsersWithDevices } from '../../src/storage/accounts/devices.ts'
import { listExpiredAccessTokens } from '../../src/storage/accounts/tokens.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { listServersInRooms } from '../../src/storage/federation/frozen-rooms.ts'
import { deleteHeldBefore, listRoomsDue, nextDue } from '../../src/storage/federation/held-events.ts'
import { listWaitingServers } from '../../src/storage/federation/outbox.ts'
import { isServerInPartialRoom } from '../../src/storage/federation/partial-rooms.ts'
import { listMet, listParted } from '../../src/storage/keys/device-lists.ts'
import { listSights } from '../../src/storage/keys/remote-lists.ts'
import { FIRST_COPY, listCopies } from '../../src/storage/media/media-care.ts'
import { listReadersSince, listWaitingPushers } from '../../src/storage/push/push-queue.ts'
import { listChildren, listReplacements } from '../../src/storage/rooms/relations.ts'
import { listReplacedAt, listReplacedAtAny } from '../../src/storage/rooms/state-history.ts'
import { openHooked } from '../support/hooked-database.ts'
import { plansOf } from '../support/statements.ts'

/** Numbers of things that are nowhere: a plan does not depend on what is there. */
const [ROOM, TYPE, KEY, ANOTHER, USER] = [1, 2, 3, 4, 5]

describe('a statement reads no more than it is about:', () => {
  let db: Db
  beforeEach(async () => {
    db = await openHooked({})
  })

  it('of the changes of a room those at the places that are asked for', async () => {
    const one = await plansOf(db, () => listReplacedAt(db, ROOM, TYPE, KEY, 10))
    const several = await plansOf(db, () => listReplacedAtAny(db, ROOM, TYPE, [KEY, ANOTHER], 10))
    for (const plan of [one, several]) {
      expect(plan.filter((step) => step.includes('(room_nid=?)'))).toEqual([])
      expect(plan).toContainEqual(expect.stringContaining('(room_nid=? AND type_nid=? AND key_nid=?)'))
    }
  })

  it('of what relates to an event the relations of the type that is asked for', async () => {
    const page = { after: 0, before: 10, backward: true, limit: 10, relTypeNid: TYPE }
    const plans = await plansOf(db, async () => {
      await listReplacements(db, ROOM, ['$parent'], TYPE)
      await listChildren(db, ROOM, '$parent', page)
      await listChildren(db, ROOM, '$parent', { ...page, typeNid: TYPE })
    })
    const relations = plans.filter((step) => step.includes('parent_id=?'))
    expect(relations).toHaveLength(3)
    for (const step of relations) expect(step).toContain('(room_nid=? AND parent_id=? AND rel_type_nid=?')
  })

  it('of the receipts of the rooms of users with pushers the newest', async () => {
    const plan = await plansOf(db, () => listReadersSince(db, 10))
    expect(plan.filter((step) => /^SEARCH c /.test(step))).toEqual([
      expect.stringContaining('receipt_pos (room_nid=? AND pos>?)'),
    ])
  })

  it('of the members of a room where others came and went those who did', async () => {
    const met = await plansOf(db, () => listMet(db, USER, [ROOM], 10))
    const parted = await plansOf(db, () => listParted(db, USER, [ROOM], 10))
    for (const plan of [met, parted]) {
      const ofRoom = plan.filter((step) => /^SEARCH (entry|m) .*\(room_nid=\?(?! AND user_nid=\?)/.test(step))
      expect(ofRoom).toEqual([
        expect.stringMatching(/^SEARCH entry .*\(room_nid=\? AND membership=\? AND pos>\?\)/),
        // Of a room that the user has just come into, or left: all.
        expect.stringMatching(/^SEARCH m /),
      ])
    }
  })

  it('of the servers in rooms, and of what waits to be sent, one row of each server and pusher', async () => {
    const plan = await plansOf(db, async () => {
      await listServersInRooms(db)
      await listWaitingServers(db)
      await listWaitingPushers(db)
    })
    const whole = plan.filter((step) => /^SCAN (room_server|outbox_event|outbox_edu|push_queue|t)\b/.test(step))
    expect(whole).toEqual([])
    const nexts = plan.filter((step) => /^SEARCH t .*(server_nid|pusher_nid)>\?\)$/.test(step))
    expect(nexts).toHaveLength(4)
  })

  it('of the rooms of a server those of which not all members are known', async () => {
    const plan = await plansOf(db, () => isServerInPartialRoom(db, 'b.example'))
    expect(plan).toContainEqual(expect.stringMatching(/^SEARCH s .*\(room_nid=\? AND server_nid=\?\)/))
  })

  it('of events that wait for others those that are due, or too old', async () => {
    const plan = await plansOf(db, async () => {
      await listRoomsDue(db, 1, 10)
      await nextDue(db, ['!room:b.example'])
      await transact(db, (tx) => deleteHeldBefore(tx, 1, 10))
    })
    const ofEvents = plan.filter((step) => step.includes('held_event'))
    expect(ofEvents).toEqual([
      expect.stringContaining('held_event_retry (retry_at<?)'),
      expect.stringContaining('held_event_retry'), // in its order, up to the first
      expect.stringContaining('(room_nid=? AND event_id=?)'),
      expect.stringContaining('held_event_received (received_ts<?)'),
    ])
    expect(plan.join()).not.toContain('SCAN held_event,')
  })

  it('of the device lists of others a page', async () => {
    const plan = await plansOf(db, () => listSights(db, 1, 0, 10))
    expect(plan).toContainEqual('SEARCH remote_list USING INTEGER PRIMARY KEY (rowid>?)')
  })

  it('of what waits for a server that is long gone a page', async () => {
    const plan = await plansOf(db, () => collapseQueue(db, 1))
    expect(plan).toEqual(['SEARCH outbox_event USING PRIMARY KEY (server_nid=? AND event_nid<?)'])
  })

  it('of devices and access tokens what is new since the last look', async () => {
    const plan = await plansOf(db, async () => {
      await listDevicesAfter(db, 1, 10)
      await listUsersWithDevices(db, [USER], 10)
      await listExpiredAccessTokens(db, { token_hash: 'a', expires_ts: 1 }, 2, 10)
    })
    expect(plan.filter((step) => step.startsWith('S'))).toEqual([
      'SEARCH device USING INTEGER PRIMARY KEY (rowid>?)',
      'SEARCH n USING INTEGER PRIMARY KEY (rowid=?)',
      expect.stringContaining('(user_nid=?)'),
      expect.stringContaining('(expires_ts>? AND expires_ts<?)'),
      expect.stringContaining('(device_nid=?)'),
    ])
  })

  it('of files those of other servers', async () => {
    const plan = await plansOf(db, () => listCopies(db, FIRST_COPY, 10))
    expect(plan[0]).toContain('media_used (used_ts>?)')
  })
})
