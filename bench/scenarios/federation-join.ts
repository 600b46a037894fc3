import type { Services } from '../../src/compose/services.ts'
import type { RoomId, UserId } from '../../src/matrix/ids.ts'
import { onSite } from '../federation/site.ts'
import { meanwhile, talkers, talkOn } from '../federation/talkers.ts'
import { withServices } from '../fill.ts'
import { ms } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import type { User } from '../load/user.ts'
import type { Figure, Scenario } from '../scenario.ts'

const MEMBERS = 10_000
/** Joins that are appended as one chain. */
const CHAIN = 50

/** Joining a room of 10,000 members that another server has, while users of both send messages. */
export const federationJoin: Scenario = {
  name: 'federation-join',
  run: () =>
    onSite(async (site): Promise<Figure[]> => {
      const here = await site.make()
      let roomId = ''
      await withServices(here.configFile, async (services) => {
        roomId = await makeLargeRoom(services, here.name)
      })
      await here.start()
      const there = await site.start()
      const joiner = await there.register()
      const others = await talkers(here, there)
      const talk = talkOn(others)
      const [usable, complete] = [[] as number[], [] as number[]]
      await timed(complete, async () => {
        await timed(usable, async () => {
          await joiner.join(roomId, here.name)
          await joiner.send(roomId, '들어왔습니다')
        })
        while ((await memberCount(joiner, roomId)) <= MEMBERS);
      })
      await talk
      return [
        bounded(`joining a room of ${MEMBERS} members on another server, until a message is sent`, usable, 1000),
        bounded('the same, until all members are known', complete, 8000),
        ...(await meanwhile(others)),
      ]
    }),
}

const bounded = (what: string, [took = Number.POSITIVE_INFINITY]: readonly number[], bar: number): Figure => ({
  what,
  figure: ms(took),
  bar: ms(bar),
  holds: took <= bar,
})

/** A public room whose members are all of one server, written through its door. */
async function makeLargeRoom({ createRoom, append }: Services, serverName: string): Promise<string> {
  const member = (number: number): UserId => `@member-${number}:${serverName}`
  const roomId: RoomId = await createRoom({ userId: member(0) }, { preset: 'public_chat' })
  for (let start = 1; start < MEMBERS; start += CHAIN) {
    await Promise.all(
      Array.from({ length: Math.min(CHAIN, MEMBERS - start) }, (_, index) => {
        const userId = member(start + index)
        const content = { membership: 'join' }
        return append.send(roomId, { draft: { type: 'm.room.member', sender: userId, stateKey: userId, content } })
      }),
    )
  }
  return roomId
}

async function memberCount(user: User, roomId: string): Promise<number> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/members?membership=join`
  const { chunk } = await user.http.json<{ chunk: unknown[] }>('GET', path, user.token)
  return chunk.length
}
