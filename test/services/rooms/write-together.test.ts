import { describe, expect, it } from 'vitest'
import { StorageAway } from '../../../src/storage/failure.ts'
import { openHooked } from '../../support/hooked-database.ts'
import { makeRoom, message, openDoor, user } from '../../support/rooms.ts'

const alice = user('alice')
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('writing together on SQLite', () => {
  it('has what comes in one turn of the event loop on its way to the disk with the end of that turn', async () => {
    let syncs = 0
    const sizes: number[] = []
    const sync = async () => {
      syncs++
    }
    const door = await openDoor(await openHooked({ sync, onGroup: (size) => sizes.push(size) }))
    const rooms = [await makeRoom(door, alice), await makeRoom(door, alice), await makeRoom(door, alice)]
    syncs = 0
    sizes.length = 0
    const sending = rooms.map((roomId) => door.append.send(roomId, { draft: message(alice, 'now') }))
    await turn() // was asked for before any of them asked for its own
    await turn()
    expect(syncs).toBe(1)
    await Promise.all(sending)
    expect(sizes).toEqual([1])
  })

  it('tells all who wait where no transaction can begin any more', async () => {
    let isBroken = false
    const sync = async () => {
      if (isBroken) throw new Error('The disk is gone')
    }
    const door = await openDoor(await openHooked({ sync }))
    const rooms = [await makeRoom(door, alice), await makeRoom(door, alice)]
    isBroken = true
    const send = (roomId: (typeof rooms)[number]) => door.append.send(roomId, { draft: message(alice, 'lost') })
    for (let again = 0; again < 2; again++) {
      const results = await Promise.allSettled(rooms.map(send))
      for (const result of results)
        expect(result).toMatchObject({ status: 'rejected', reason: expect.any(StorageAway) })
    }
  })
})
