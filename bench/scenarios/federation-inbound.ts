import type { JsonObject } from '../../src/matrix/json.ts'
import { RoomBuilder } from '../../test/support/room-builder.ts'
import { Peers, type Ready } from '../federation/peers.ts'
import { type Homeserver, onSite } from '../federation/site.ts'
import { LOOP_BAR_MS, loopDelay, loopText } from '../load/event-loop.ts'
import { paced } from '../load/paced.ts'
import { latencies, ms } from '../load/statistics.ts'
import { timed } from '../load/timed.ts'
import type { User } from '../load/user.ts'
import type { Figure, Scenario } from '../scenario.ts'

const PEERS = 20
const ROOMS_OF_PEER = 5
const PDUS = 50
const PER_SECOND = 1_000
/** Transactions of each peer that are sent one after the other as fast as they are answered. */
const MORE = 40
/** Messages that somebody here sends meanwhile. */
const OWN_PER_SECOND = 20
const TEXT = '내일 오전 열 시 회의 자료를 공유 폴더에 올렸습니다. 검토하신 뒤 의견을 남겨 주시기 바랍니다.'

/** Transactions of 50 messages from 20 servers into 100 rooms, while somebody here talks in a room of their own. */
export const federationInbound: Scenario = {
  name: 'federation-inbound',
  run: ({ seconds }) =>
    onSite(async (site): Promise<Figure[]> => {
      const server = await site.start()
      const user = await server.register()
      const peers = await Peers.start(site, PEERS)
      const writers = await Promise.all(peers.names.map((name) => Writer.start(peers, name, server, user)))
      const count = Math.ceil((PER_SECOND / PDUS) * seconds)
      const steady = Array.from({ length: count }, (_, index) => (writers[index % PEERS] as Writer).transaction())
      const more = writers.map((writer) => Array.from({ length: MORE }, () => writer.transaction()))
      const own = await user.createRoom()

      await loopDelay(server.http)
      const [answers, sends] = [[] as number[], [] as number[]]
      const talk = paced(OWN_PER_SECOND, seconds, () => timed(sends, () => user.send(own, TEXT)))
      const cpu = server.cpuMs()
      await paced(PER_SECOND / PDUS, seconds, (index) => timed(answers, () => peers.send(steady[index] as Ready)))
      await talk
      const used = (server.cpuMs() - cpu) / (count * PDUS)
      const paceLoop = await loopDelay(server.http)

      const started = performance.now()
      await Promise.all(more.map((ofPeer) => inOrder(ofPeer, (ready) => peers.send(ready))))
      const perSecond = (MORE * PEERS * PDUS * 1000) / (performance.now() - started)
      const floodLoop = await loopDelay(server.http)
      await peers.close()
      return [
        {
          what: `${PER_SECOND} PDUs/s in transactions of ${PDUS} from ${PEERS} servers into ${PEERS * ROOMS_OF_PEER} rooms: until the answer`,
          figure: `${latencies(answers)}; ${ms(used)} of CPU a PDU`,
        },
        { what: 'meanwhile: a message sent here', figure: latencies(sends) },
        {
          what: 'meanwhile: the loop',
          figure: loopText(paceLoop),
          bar: ms(LOOP_BAR_MS),
          holds: paceLoop.p99 <= LOOP_BAR_MS,
        },
        {
          what: 'the same, as fast as it goes',
          figure: `${perSecond.toFixed(0)} PDUs/s, ${loopText(floodLoop)}`,
          bar: `${PER_SECOND} PDUs/s, loop ${ms(LOOP_BAR_MS)}`,
          holds: perSecond >= PER_SECOND && floodLoop.p99 <= LOOP_BAR_MS,
        },
      ]
    }),
}

/** A server that writes into rooms of its own, which a user of ours is in. */
class Writer {
  readonly #peers: Peers
  readonly #name: string
  readonly #to: Homeserver
  readonly #rooms: readonly RoomBuilder[]
  #sent = 0

  private constructor(peers: Peers, name: string, to: Homeserver, rooms: readonly RoomBuilder[]) {
    this.#peers = peers
    this.#name = name
    this.#to = to
    this.#rooms = rooms
  }

  static async start(peers: Peers, name: string, to: Homeserver, user: User): Promise<Writer> {
    const creator = `@writer:${name}`
    const rooms = Array.from({ length: ROOMS_OF_PEER }, (_, index) => {
      const room = new RoomBuilder('12')
      room.create(creator, { number: index })
      room.join(creator)
      room.state('m.room.power_levels', creator, {})
      room.state('m.room.join_rules', creator, { join_rule: 'public' })
      return room
    })
    for (const room of rooms) {
      peers.host(room)
      await user.join(room.roomId, name)
    }
    return new Writer(peers, name, to, rooms)
  }

  /** The next messages, a few in each room. */
  transaction(): Ready {
    const pdus = Array.from({ length: PDUS }, (_, index) => {
      const room = this.#rooms[index % ROOMS_OF_PEER] as RoomBuilder
      return room.message(`@writer:${this.#name}`, { content: { msgtype: 'm.text', body: TEXT } }).pdu as JsonObject
    })
    const content = { origin: this.#name, origin_server_ts: Date.now(), pdus, edus: [] }
    return this.#peers.ready(this.#name, this.#to, 'PUT', `/_matrix/federation/v1/send/${++this.#sent}`, content)
  }
}

async function inOrder<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (const item of items) await work(item)
}
