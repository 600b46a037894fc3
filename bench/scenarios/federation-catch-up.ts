import { onSite } from '../federation/site.ts'
import { meanwhile, talkers, talkOn } from '../federation/talkers.ts'
import { ms } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import { Syncer, type User } from '../load/user.ts'
import type { Figure, Scenario } from '../scenario.ts'

const MISSED = 10_000
const SENDERS = 16

/** A server that was away comes back, and is given the 10,000 messages that it missed. */
export const federationCatchUp: Scenario = {
  name: 'federation-catch-up',
  run: () =>
    onSite(async (site): Promise<Figure[]> => {
      const [here, there] = [await site.start(), await site.start()]
      const [alice, bob] = [await here.register(), await there.register()]
      const roomId = await alice.createRoom()
      await bob.join(roomId, here.name)
      await there.stop()
      await sendMany(alice, roomId)
      await there.start()
      const [others, last] = [await talkers(here, there), `missed-${MISSED - 1}-`]
      let isThere = () => {}
      const arrived = new Promise<void>((resolve) => {
        isThere = resolve
      })
      const syncer = new Syncer(bob, (text) => {
        if (text.includes(last)) isThere()
      })
      await syncer.start()
      const talk = talkOn(others)
      const took: number[] = []
      await timed(took, async () => {
        // Whoever is heard of is tried again at once.
        await bob.send(roomId, '다시 왔습니다')
        await arrived
      })
      await talk
      syncer.stop()
      const messages = await countMessages(bob, roomId)
      const perSecond = (MISSED * 1000) / (took[0] ?? 0)
      return [
        {
          what: `catching up ${MISSED} missed messages`,
          figure: `${ms(took[0] ?? 0)}, ${perSecond.toFixed(0)}/s; ${messages} are there`,
          bar: 'all',
          holds: messages === MISSED,
        },
        ...(await meanwhile(others)),
      ]
    }),
}

async function sendMany(user: User, roomId: string): Promise<void> {
  let sent = 0
  const work = async () => {
    while (sent < MISSED) await user.send(roomId, `missed-${sent++}-`)
  }
  await Promise.all(Array.from({ length: SENDERS }, work))
}

async function countMessages(user: User, roomId: string): Promise<number> {
  const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=1000`
  let [count, from] = [0, '']
  for (;;) {
    const page: { chunk: { content: { body?: string } }[]; end?: string } = await user.http.json(
      'GET',
      path + from,
      user.token,
    )
    count += page.chunk.filter(({ content }) => content.body?.startsWith('missed-')).length
    if (page.end === undefined) return count
    from = `&from=${encodeURIComponent(page.end)}`
  }
}
