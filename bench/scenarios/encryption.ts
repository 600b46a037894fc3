import { paced } from '../load/paced.ts'
import { latencies, median, ms, percentile } from '../load/statistics.ts'
import type { User } from '../load/user.ts'
import type { Scenario } from '../scenario.ts'
import { makeGroups, measureDelivery } from './delivery.ts'

const DEVICES = 1_000
/** As many as a client puts into one request. */
const MESSAGES_A_REQUEST = 20
const MESSAGES_A_SECOND = 5_000
const BAR_CLAIM_MS = 300
const BAR_P50_MS = 4
const BAR_P99_MS = 10

/** An encrypted room key has about this size. */
const ROOM_KEY = 'k'.repeat(1_000)
const oneTimeKey = {
  key: 'k'.repeat(43),
  signatures: { '@somebody:example.org': { 'ed25519:DEVICE': 's'.repeat(86) } },
}

/** Room keys for 1,000 devices, which then fetch them. */
export const toDevice: Scenario = {
  name: 'to-device',
  async run(world) {
    const users = await world.users(DEVICES)
    const samples: number[] = []
    const started = performance.now()
    await paced(MESSAGES_A_SECOND / MESSAGES_A_REQUEST, world.seconds, async (index) => {
      const first = (index * MESSAGES_A_REQUEST) % DEVICES
      const receivers = users.slice(first, first + MESSAGES_A_REQUEST)
      const sentAt = performance.now()
      await users[index % DEVICES]?.sendToDevices(receivers, { ciphertext: ROOM_KEY })
      samples.push(performance.now() - sentAt)
    })
    const seconds = (performance.now() - started) / 1000
    let arrived = 0
    for (const user of users) arrived += (await user.sync()).split(ROOM_KEY).length - 1
    const sent = samples.length * MESSAGES_A_REQUEST
    const perSecond = sent / seconds
    return [
      {
        what: `messages to devices, ${DEVICES} devices, ${MESSAGES_A_REQUEST} a request`,
        figure: `${perSecond.toFixed(0)}/s, ${latencies(samples)}, ${arrived} of ${sent} arrived`,
        bar: `${MESSAGES_A_SECOND}/s, all of them`,
        holds: perSecond >= MESSAGES_A_SECOND * 0.98 && arrived === sent,
      },
    ]
  },
}

/** One-time keys of 1,000 devices, in one request. */
export const claimKeys: Scenario = {
  name: 'claim-keys',
  async run(world) {
    const users = await world.users(DEVICES)
    const rounds = Math.max(5, Math.min(20, Math.floor(world.seconds / 3)))
    for (const user of users) await user.uploadOneTimeKeys(rounds, oneTimeKey)
    const [claimer] = users
    if (!claimer) throw new Error('No user')
    const samples: number[] = []
    for (let round = 0; round < rounds; round++) {
      const claimedAt = performance.now()
      const count = await claimer.claimKeys(users)
      samples.push(performance.now() - claimedAt)
      if (count !== DEVICES) throw new Error(`${count} of ${DEVICES} devices gave a key`)
    }
    return [
      {
        what: `one-time keys of ${DEVICES} devices claimed at once`,
        figure: latencies(samples),
        bar: ms(BAR_CLAIM_MS),
        holds: median(samples) <= BAR_CLAIM_MS,
      },
    ]
  },
}

const CLIENTS = 200
const ROOMS = 20

/** Encrypted messages, each tenth with a new key that goes to all devices before it. */
export const encryptedDelivery: Scenario = {
  name: 'encrypted-delivery',
  async run(world) {
    const groups = await makeGroups(world, CLIENTS, ROOMS)
    const members = new Map(groups.rooms.map(({ roomId, members: ofRoom }) => [roomId, ofRoom]))
    let sent = 0
    const send = async (sender: User, roomId: string, text: string) => {
      if (sent++ % 10 === 0) await sender.sendToDevices(members.get(roomId) ?? [], { ciphertext: ROOM_KEY })
      await sender.send(roomId, text, 'm.room.encrypted', { algorithm: 'm.megolm.v1.aes-sha2', session_id: ROOM_KEY })
    }
    const perSecond = 50
    const samples = await measureDelivery(groups, perSecond, world.seconds, send)
    const expected = perSecond * world.seconds * (CLIENTS / ROOMS)
    return [
      {
        what: `encrypted send to delivery, ${CLIENTS} clients in ${ROOMS} rooms, ${perSecond} messages/s, keys with each tenth`,
        figure: `${latencies(samples)} of ${expected}`,
        bar: `p50 ${ms(BAR_P50_MS)}, p99 ${ms(BAR_P99_MS)}`,
        holds:
          median(samples) <= BAR_P50_MS && percentile(samples, 0.99) <= BAR_P99_MS && samples.length >= expected * 0.98,
      },
    ]
  },
}
