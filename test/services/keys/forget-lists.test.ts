import { expect, it } from 'vitest'
import { forgetOutOfSight } from '../../../src/services/keys/remote/forget-lists.ts'
import { transact } from '../../../src/storage/db.ts'
import { upsertRemoteDevices, upsertRemoteLists } from '../../../src/storage/keys/remote-lists.ts'
import { internName } from '../../../src/storage/names.ts'
import { upsertMemberships } from '../../../src/storage/rooms/memberships.ts'
import { changeRoomServers } from '../../../src/storage/rooms/room-servers.ts'
import { rawRows } from '../../../src/storage/run.ts'
import { withDatabases } from '../../support/databases.ts'

const USERS = 450
const ROOM = 1

withDatabases('device lists of other servers', (open) => {
  it('are forgotten where no room is shared any more, however many others there are', async () => {
    const db = await open()
    const users = Array.from({ length: USERS }, (_, i) => i + 1)
    const isMet = (nid: number) => nid % 10 !== 0
    await transact(db, async (tx) => {
      const ownNid = await internName(tx, 'a.example')
      changeRoomServers(tx, [{ roomNid: ROOM, serverNid: ownNid, joined: 1, pos: 1 }])
      const list = { server_nid: 2, stream_id: null, pos: 1, is_stale: 0, doubts: 0 }
      await upsertRemoteLists(
        tx,
        users.map((user_nid) => ({ ...list, user_nid })),
      )
      const device = { device_id: 'D', display_name: null, json: '{}' }
      await upsertRemoteDevices(
        tx,
        users.map((user_nid) => ({ ...device, user_nid })),
      )
      const member = { room_nid: ROOM, event_nid: 1, pos: 1, is_local: 0, stripped_state: null }
      upsertMemberships(
        tx,
        users.map((nid) => ({
          ...member,
          user_nid: nid,
          sender_nid: nid,
          membership: isMet(nid) ? 'join' : 'leave',
        })),
      )
    })
    await forgetOutOfSight(db, 'a.example')
    const kept = async (table: 'remote_list' | 'remote_device') =>
      (await rawRows<{ user_nid: number }>(db, `select user_nid from ${table} order by user_nid`)).map(
        (row) => row.user_nid,
      )
    expect(await kept('remote_list')).toEqual(users.filter(isMet))
    expect(await kept('remote_device')).toEqual(users.filter(isMet))
  })
})
