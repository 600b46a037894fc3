import { expect, it } from 'vitest'
import type { Edu } from '../../../src/federation/sending/edu.ts'
import type { Sender } from '../../../src/federation/sending/sender.ts'
import { Outgoing } from '../../../src/services/federation/outgoing.ts'
import type { LiveRoom } from '../../../src/services/rooms/live-room.ts'
import { FakeClock } from '../../support/clock.ts'

it('forgets who was typing also where the last of the other servers has left meanwhile', () => {
  const told: unknown[] = []
  const outgoing = new Outgoing({
    sender: {
      pass: (_servers: unknown, _key: string, { content }: Edu) => told.push(content.typing),
    } as unknown as Sender,
    clock: new FakeClock(),
    serverName: 'a.example',
    serversOf: async () => [],
    isFrozen: () => false,
    onFailure: () => {},
  })
  const servers = new Map([
    ['a.example', 1],
    ['b.example', 1],
  ])
  const room = { roomId: '!room:a.example', servers } as unknown as LiveRoom
  const types = (isTyping: boolean) => outgoing.onTyping(room, '@alice:a.example', isTyping)
  types(true)
  types(true)
  servers.delete('b.example')
  types(false)
  servers.set('b.example', 1)
  types(true)
  types(false)
  types(false)
  expect(told).toEqual([true, true, false])
})
