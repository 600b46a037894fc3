import { expect, it } from 'vitest'
import type { RoomId, UserId } from '../../../src/matrix/ids.ts'
import { type AppService, namespacePattern } from '../../../src/services/appservices/app-service.ts'
import { AppServices } from '../../../src/services/appservices/app-services.ts'
import { Audience } from '../../../src/services/appservices/audience.ts'
import type { Appended } from '../../../src/services/rooms/append.ts'
import { withDatabases } from '../../support/databases.ts'

const BRIDGE: AppService = {
  id: 'irc',
  url: 'http://127.0.0.1:1',
  asToken: 'as',
  hsToken: 'hs',
  sender: '@bot:a.example',
  isRateLimited: false,
  protocols: [],
  wantsEphemeral: false,
  wantsEncryption: false,
  users: [{ isExclusive: true, pattern: namespacePattern('@irc_.*') }],
  aliases: [],
  rooms: [],
}

/** Counts of how many users it is asked whose they are. */
class CountingServices extends AppServices {
  asked = 0

  override ofUser(userId: string): readonly AppService[] {
    this.asked++
    return super.ofUser(userId)
  }
}

withDatabases('who hears what happens in a room', (open) => {
  it('is known after users of a bridge come and go without a look at all who are there', async () => {
    const appServices = new CountingServices('a.example', [BRIDGE])
    const audience = new Audience({ db: await open(), appServices })
    const localJoined = new Set(Array.from({ length: 1_000 }, (_, i): UserId => `@user${i}:a.example`))
    const room = { roomId: '!room:a.example' as RoomId, localJoined }
    const hears = async () => [...(await audience.of(room))].map(({ id }) => id)
    const move = (userId: UserId, from: string | undefined, to: string) => {
      const event = (membership: string) => ({ type: 'm.room.member', stateKey: userId, membership })
      if (to === 'join') localJoined.add(userId)
      else localJoined.delete(userId)
      const replaces = from === undefined ? undefined : event(from)
      audience.onAppended({ room, events: [], changes: [{ event: event(to), replaces }] } as unknown as Appended)
    }
    expect(await hears()).toEqual([])
    appServices.asked = 0
    move('@irc_one:a.example', undefined, 'join')
    move('@irc_two:a.example', 'invite', 'join')
    move('@irc_two:a.example', 'join', 'join')
    expect(await hears()).toEqual(['irc'])
    move('@irc_one:a.example', 'join', 'leave')
    expect(await hears()).toEqual(['irc'])
    move('@irc_two:a.example', 'join', 'ban')
    expect(await hears()).toEqual([])
    expect(appServices.asked).toBeLessThan(20)
  })
})
