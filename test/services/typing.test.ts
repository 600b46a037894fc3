import { expect, it } from 'vitest'
import type { RoomId } from '../../src/matrix/ids.ts'
import { Hub } from '../../src/services/hub.ts'
import type { LiveRoom } from '../../src/services/rooms/live-room.ts'
import type { LiveRooms } from '../../src/services/rooms/live-rooms.ts'
import type { Stream } from '../../src/services/stream.ts'
import { Typing } from '../../src/services/typing.ts'
import { FakeClock } from '../support/clock.ts'

const ROOM: RoomId = '!room:a.example'

it('Typing of any number of people ends by itself', async () => {
  const clock = new FakeClock()
  const room = { roomId: ROOM, localJoined: new Set() } as unknown as LiveRoom
  const rooms = { get: async () => room } as unknown as LiveRooms
  const typing = new Typing({ clock, rooms, hub: new Hub(), stream: { current: 1 } as Stream })
  // More than a call can have arguments. A room of another server can have as many members, who all type.
  for (let i = 0; i < 150_000; i++) typing.note(room, `@user${i}:b.example`, true, 30_000)
  typing.note(room, '@alice:a.example', true, 60_000)
  clock.advance(30_001)
  await expect.poll(() => typing.usersIn(ROOM)).toEqual(['@alice:a.example'])
  typing.note(room, '@bob:a.example', true, 1_000)
  clock.advance(1_201)
  await expect.poll(() => typing.usersIn(ROOM)).toEqual(['@alice:a.example'])
  await typing.close()
})
