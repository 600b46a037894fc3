import { expect, it } from 'vitest'
import { RemoteFailure } from '../../src/federation/remote-failure.ts'
import type { PassingReceipt } from '../../src/federation/sending/passing-edus.ts'
import { Sender } from '../../src/federation/sending/sender.ts'
import { type Db, transact } from '../../src/storage/db.ts'
import { listQueuedEvents, queueEvents } from '../../src/storage/federation/outbox.ts'
import { internNames } from '../../src/storage/names.ts'
import { type EventRow, sendEvents } from '../../src/storage/rooms/events.ts'
import { FakeClock } from '../support/clock.ts'
import { withDatabases } from '../support/databases.ts'

interface Sent {
  readonly server: string
  readonly txnId: string
  readonly pdus: { n: number }[]
  readonly edus: { edu_type: string; content: Record<string, unknown> }[]
}

/** A sender over a database, and a network that does what a test says. */
class Outpost {
  readonly clock = new FakeClock()
  readonly sent: Sent[] = []
  readonly dropped: string[] = []
  readonly shed: string[] = []
  readonly db: Db
  /** What becomes of a transaction; throws where it fails. */
  answer: (sent: Sent) => void = () => {}
  allowed = true
  suspended = false
  #sender: Sender

  constructor(db: Db) {
    this.db = db
    this.#sender = this.#newSender()
  }

  get sender(): Sender {
    return this.#sender
  }

  /** Ends the sender and starts another one on the same tables. */
  async restart(): Promise<void> {
    await this.#sender.close()
    this.#sender = this.#newSender()
    await this.#sender.start()
  }

  /** Queues events with these numbers, and wakes the sender. */
  async queue(server: string, numbers: readonly number[], room = 1): Promise<void> {
    await this.store(server, numbers, room)
    this.#sender.wake([server])
  }

  async store(server: string, numbers: readonly number[], room = 1): Promise<void> {
    await transact(this.db, async (tx) => {
      const nid = (await internNames(tx, [server])).get(server) ?? 0
      sendEvents(
        tx,
        numbers.map((n) => eventRow(n, room, this.clock.now())),
      )
      queueEvents(
        tx,
        numbers.map((n) => ({ server_nid: nid, event_nid: n, room_nid: room })),
      )
    })
  }

  /** Lets time pass until the next try. */
  async nextTry(): Promise<void> {
    await this.settle()
    this.clock.advance(3_600_000 * 1.2)
    await this.settle()
  }

  /** Until nothing happens any more without time passing. */
  async settle(): Promise<void> {
    while (this.#sender.running > this.clock.sleeping) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  numbers(server: string): number[] {
    return this.sent.filter((sent) => sent.server === server).flatMap(({ pdus }) => pdus.map(({ n }) => n))
  }

  #newSender(): Sender {
    return new Sender({
      db: this.db,
      clock: this.clock,
      serverName: 'own.test',
      random: () => 0.4999,
      mayFederate: () => this.allowed,
      isSuspended: () => this.suspended,
      send: async (server, txnId, transaction) => {
        const { pdus, edus } = JSON.parse(transaction)
        const sent = { server, txnId, pdus, edus }
        this.answer(sent)
        this.sent.push(sent)
      },
      onDropped: (server, part) => this.dropped.push(`${server} ${part}`),
      onShed: (server) => this.shed.push(server),
      onCrash: (error) => {
        throw error
      },
    })
  }
}

const eventRow = (n: number, room: number, ts: number): EventRow => ({
  nid: n,
  event_id: `$${n}`,
  room_nid: room,
  pos: n,
  depth: n,
  type_nid: 1,
  sender_nid: 1,
  key_nid: null,
  ts,
  kind: 0,
  auth: '[]',
  auth_rank: 1,
  state_nid: null,
  redacted_by_nid: null,
  reason: null,
  json: JSON.stringify({ n }),
})

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, i) => from + i)
const away = () => {
  throw new RemoteFailure('other.test', 'connect ECONNREFUSED')
}
const refuse = (status: number) => {
  throw new RemoteFailure('other.test', `answered ${status} M_UNKNOWN`, { status, errcode: 'M_UNKNOWN' })
}
/** As what stands before a server does. */
const refuseBarely = (status: number) => {
  throw new RemoteFailure('other.test', `answered ${status}`, { status })
}
const receiptOf = (userId: string, eventId: string, thread?: string): PassingReceipt => ({
  roomId: '!r:own.test',
  userId,
  eventId,
  ts: 1,
  thread,
})

withDatabases('the sender', (open) => {
  it('sends events in order, fifty at a time, and forgets them', async () => {
    const outpost = new Outpost(await open())
    await outpost.queue('other.test', upTo(120))
    await outpost.sender.idle()
    expect(outpost.sent.map(({ pdus }) => pdus.length)).toEqual([50, 50, 20])
    expect(outpost.numbers('other.test')).toEqual(upTo(120))
    expect(await listQueuedEvents(outpost.db, 1, 10)).toEqual([])
  })

  it('loses and doubles nothing when every third transaction fails', async () => {
    const outpost = new Outpost(await open())
    let count = 0
    outpost.answer = () => {
      if (++count % 3 === 1) away()
    }
    await outpost.queue('other.test', upTo(200))
    for (let i = 0; i < 4; i++) await outpost.nextTry()
    expect(outpost.numbers('other.test')).toEqual(upTo(200))
  })

  it('sends the same again with the same transaction id', async () => {
    const outpost = new Outpost(await open())
    const ids: string[] = []
    outpost.answer = ({ txnId }) => {
      ids.push(txnId)
      if (ids.length < 3) away()
    }
    await outpost.queue('other.test', [1])
    await outpost.nextTry()
    await outpost.nextTry()
    await outpost.queue('other.test', [2])
    await outpost.settle()
    expect(ids).toHaveLength(4)
    expect(new Set(ids.slice(0, 3)).size).toBe(1)
    expect(ids[3]).not.toBe(ids[0])
  })

  it('tries a server that is away less and less often, and once for all that waits', async () => {
    const outpost = new Outpost(await open())
    const tries: number[] = []
    outpost.answer = () => {
      tries.push(outpost.clock.now())
      away()
    }
    await outpost.queue('other.test', upTo(10))
    for (let second = 0; second < 64; second++) {
      await outpost.settle()
      outpost.clock.advance(1000)
    }
    const pauses = tries.slice(1).map((at, i) => at - (tries[i] ?? 0))
    // The clock moves by whole seconds, and every pause is a little shorter or longer.
    expect(pauses).toEqual([2000, 4000, 8000, 16_000, 32_000])
  })

  it('tries at once when the server is heard of, also after a restart', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = away
    await outpost.queue('other.test', [1])
    for (let i = 0; i < 5; i++) await outpost.nextTry()
    outpost.answer = () => {}
    outpost.clock.advance(10_000)
    await outpost.restart()
    await outpost.settle()
    expect(outpost.sent).toEqual([])
    outpost.sender.onHeard('other.test')
    await outpost.sender.idle()
    expect(outpost.numbers('other.test')).toEqual([1])
  })

  it('goes on after a restart with what was not sent', async () => {
    const outpost = new Outpost(await open())
    await outpost.store('other.test', upTo(3))
    await outpost.restart()
    await outpost.sender.idle()
    expect(outpost.numbers('other.test')).toEqual([1, 2, 3])
  })

  it('keeps the newest event of each room for a server that was away for an hour', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = away
    await outpost.queue('other.test', upTo(30), 1)
    await outpost.queue('other.test', upTo(30, 31), 2)
    for (let i = 0; i < 3; i++) await outpost.nextTry()
    outpost.answer = () => {}
    await outpost.nextTry()
    await outpost.queue('other.test', [61], 1)
    await outpost.settle()
    expect(outpost.numbers('other.test')).toEqual([30, 60, 61])
  })

  it('does not let a server that is away hold up another one', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = ({ server }) => {
      if (server === 'other.test') away()
    }
    await outpost.queue('other.test', [1])
    await outpost.queue('third.test', [2])
    await outpost.settle()
    expect(outpost.numbers('third.test')).toEqual([2])
  })

  it('sends what events need before them', async () => {
    const outpost = new Outpost(await open())
    await outpost.store('other.test', [1])
    await transact(outpost.db, async (tx) => {
      for (const n of upTo(150)) {
        const edu = { type: 'm.direct_to_device', content: { n } }
        await outpost.sender.enqueueEdus(tx, [{ servers: ['other.test', 'own.test'], edu }])
      }
    })
    await outpost.sender.idle()
    expect(outpost.sent.map(({ pdus, edus }) => [pdus.length, edus.length])).toEqual([
      [0, 100],
      [1, 50],
    ])
    const order = outpost.sent.flatMap(({ edus }) => edus.map(({ content }) => content.n))
    expect(order).toEqual(upTo(150))
  })

  it.each([400, 413, 422])(
    'drops the one event that a server refuses with %i, and sends the others',
    async (status) => {
      const outpost = new Outpost(await open())
      outpost.answer = ({ pdus }) => {
        if (pdus.some(({ n }) => n === 3)) refuse(status)
      }
      await outpost.queue('other.test', upTo(60))
      await outpost.sender.idle()
      expect(outpost.numbers('other.test')).toEqual(upTo(60).filter((n) => n !== 3))
      expect(outpost.dropped).toEqual(['other.test $3'])
    },
  )

  it('drops the one message to a device that a server refuses, in few tries, and sends the others', async () => {
    const outpost = new Outpost(await open())
    let tries = 0
    outpost.answer = ({ edus }) => {
      tries++
      if (edus.some(({ content }) => content.n === 3 || content.typing === true)) refuse(400)
    }
    await outpost.store('other.test', [1, 2])
    await transact(outpost.db, (tx) =>
      outpost.sender.enqueueEdus(
        tx,
        upTo(20).map((n) => ({ servers: ['other.test'], edu: { type: 'm.direct_to_device', content: { n } } })),
      ),
    )
    outpost.sender.pass(['other.test'], 'typing', { type: 'm.typing', content: { typing: true } })
    outpost.sender.passReceipt(['other.test'], receiptOf('@a:own.test', '$1'))
    await outpost.sender.idle()
    const edus = outpost.sent.flatMap((sent) => sent.edus)
    const numbers = edus.map(({ content }) => content.n).filter((n) => n !== undefined)
    expect(numbers).toEqual(upTo(20).filter((n) => n !== 3))
    expect(edus.filter(({ edu_type }) => edu_type === 'm.receipt')).toHaveLength(1)
    expect(outpost.numbers('other.test')).toEqual([1, 2])
    expect(outpost.dropped).toEqual(['other.test m.direct_to_device', 'other.test m.typing'])
    expect(tries).toBeLessThan(25)
  })

  it('takes a server that refuses everything for one that is away, after a few losses', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = () => refuse(413)
    await outpost.queue('other.test', upTo(40))
    await outpost.settle()
    expect(outpost.dropped).toHaveLength(3)
    outpost.answer = () => {}
    await outpost.nextTry()
    expect(outpost.numbers('other.test')).toEqual(upTo(37, 4))
  })

  it.each([400, 413, 422])('loses nothing by a proxy that answers everything with a bare %i', async (status) => {
    const outpost = new Outpost(await open())
    let tries = 0
    outpost.answer = () => {
      tries++
      refuseBarely(status)
    }
    await outpost.queue('other.test', upTo(40))
    await outpost.settle()
    expect(tries).toBeLessThan(10)
    outpost.answer = () => {}
    await outpost.nextTry()
    expect(outpost.numbers('other.test')).toEqual(upTo(40))
    expect(outpost.dropped).toEqual([])
  })

  it('finds out what a proxy lets through that has a limit for bodies', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = ({ pdus }) => {
      if (pdus.length > 3) refuseBarely(413)
    }
    await outpost.queue('other.test', upTo(40))
    await outpost.sender.idle()
    expect(outpost.numbers('other.test')).toEqual(upTo(40))
  })

  it('keeps the newest thousand receipts for a server that is away, and says once that others went', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = away
    for (const n of upTo(1_100)) outpost.sender.passReceipt(['other.test'], receiptOf(`@${n}:own.test`, '$1'))
    await outpost.nextTry()
    for (const n of upTo(100)) outpost.sender.passReceipt(['other.test'], receiptOf(`@new${n}:own.test`, '$1'))
    expect(outpost.shed).toEqual(['other.test'])
    outpost.answer = () => {}
    await outpost.nextTry()
    const [{ content } = { content: {} }] = outpost.sent.flatMap(({ edus }) => edus)
    const read = JSON.stringify(content).match(/@\w+:own\.test/g)
    expect(read).toHaveLength(1_000)
    expect(read).toContain('@new100:own.test')
    expect(read).not.toContain('@100:own.test')
    expect(read).toContain('@1100:own.test')
  })

  it('forgets what waits for a server that it may not talk to any more', async () => {
    const outpost = new Outpost(await open())
    outpost.allowed = false
    await outpost.queue('other.test', upTo(5))
    await outpost.sender.idle()
    outpost.allowed = true
    await outpost.restart()
    await outpost.sender.idle()
    expect(outpost.sent).toEqual([])
  })

  it('keeps what waits for a server that it may talk to again later, events and EDUs', async () => {
    const outpost = new Outpost(await open())
    outpost.allowed = false
    outpost.suspended = true
    await outpost.queue('other.test', upTo(5))
    await outpost.nextTry()
    const edu = { type: 'm.direct_to_device', content: { n: 1 } }
    await transact(outpost.db, (tx) => outpost.sender.enqueueEdus(tx, [{ servers: ['other.test'], edu }]))
    for (let i = 0; i < 20; i++) await outpost.nextTry()
    await outpost.queue('other.test', [6])
    expect(outpost.sent).toEqual([])
    outpost.allowed = true
    outpost.suspended = false
    await outpost.settle()
    outpost.clock.advance(60_000)
    await outpost.settle()
    outpost.clock.advance(5_000)
    await outpost.sender.idle()
    // It was away for more than an hour.
    expect(outpost.numbers('other.test')).toEqual([5, 6])
    expect(outpost.sent.flatMap(({ edus }) => edus.map(({ content }) => content.n))).toEqual([1])
  })

  it('batches receipts, keeps them for a server that is away, and forgets who was typing', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = away
    const receipt = (user: string, eventId: string, thread?: string) =>
      outpost.sender.passReceipt(['other.test'], receiptOf(user, eventId, thread))
    receipt('@a:own.test', '$1')
    const typing = { room_id: '!r:own.test', user_id: '@a:own.test', typing: true }
    outpost.sender.pass(['other.test'], 'typing', { type: 'm.typing', content: typing })
    await outpost.settle()
    receipt('@a:own.test', '$2')
    receipt('@b:own.test', '$2')
    receipt('@b:own.test', '$1', '$root')
    outpost.answer = () => {}
    await outpost.nextTry()
    const [first, second] = outpost.sent.flatMap(({ edus }) => edus)
    expect(outpost.sent).toHaveLength(1)
    expect(first).toEqual({
      edu_type: 'm.receipt',
      content: {
        '!r:own.test': {
          'm.read': {
            '@a:own.test': { event_ids: ['$2'], data: { ts: 1 } },
            '@b:own.test': { event_ids: ['$2'], data: { ts: 1 } },
          },
        },
      },
    })
    expect(second?.content).toEqual({
      '!r:own.test': { 'm.read': { '@b:own.test': { event_ids: ['$1'], data: { ts: 1, thread_id: '$root' } } } },
    })
  })

  it('ends while a server does not answer', async () => {
    const outpost = new Outpost(await open())
    outpost.answer = away
    await outpost.queue('other.test', [1])
    await outpost.settle()
    await outpost.sender.close()
    expect(await listQueuedEvents(outpost.db, 1, 10)).toHaveLength(1)
  })
})
