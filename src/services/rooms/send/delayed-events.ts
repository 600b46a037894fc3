import { forbidden, MatrixError, notFound, tooLarge } from '../../../matrix/errors.ts'
import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { lockAccount } from '../../../storage/accounts/accounts.ts'
import { type Db, transact } from '../../../storage/db.ts'
import * as table from '../../../storage/rooms/delayed-events.ts'
import type { Clock } from '../../../util/clock.ts'
import { InTurn } from '../../../util/in-turn.ts'
import { Loops } from '../../../util/loops.ts'
import { DELAYED, txnAt } from '../entry.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { Sending } from './sending.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly rooms: LiveRooms
  readonly sending: Sending
  readonly maxDelayMs: number
  readonly maxPerUser: number
  /** A name that cannot be guessed: whoever knows it may restart, cancel or send the event. */
  newId(): string
  /** Counts a message of the user; throws `M_LIMIT_EXCEEDED`. */
  countMessage(userId: UserId): void
  onFailure(error: unknown): void
}

interface Sender {
  readonly userId: UserId
  readonly userNid: number
  readonly deviceNid: number
}

/** What is to be sent. */
export interface Delayable {
  readonly type: string
  readonly stateKey?: string | undefined
  readonly content: JsonObject
  /** When it is said to have happened, where the sender may say so. */
  readonly ts?: number | undefined
}

export interface Waiting extends Delayable {
  readonly delayId: string
  readonly roomId: RoomId
  readonly delayMs: number
  /** When its time last began. */
  readonly since: number
}

/** As large as an event may be (spec: Size limits); that the whole fits is found out when it is sent. */
const MAX_BYTES = 65_536
/** After a failure of our own, such as a database that was away for a moment. */
const FAILED_PAUSE_MS = 10_000
/** A timer takes no more than 24 days. */
const MAX_PAUSE_MS = 86_400_000

/**
 * Events that are sent later, unless their time is started anew or they are cancelled (MSC4140): the server's word that a
 * client has left a call, for instance, should the client not be heard of again. They wait in a table, with a loop for
 * each room in which one does. To start the time anew, which clients in a call do every few seconds, is one statement and
 * wakes nobody: the loop finds out when the old time has come.
 *
 * NOTSPEC: nothing is kept of an event that was sent or cancelled. The newest draft wants 409 for a restart then, but
 * today's clients make a new one only for 404.
 */
export class DelayedEvents {
  readonly #deps: Deps
  readonly #rooms: Loops<number>
  /** What happens to one event happens in turn: what was cancelled is not sent, what is being sent is not restarted. */
  readonly #turns = new InTurn<string>()

  constructor(deps: Deps) {
    this.#deps = deps
    this.#rooms = new Loops({
      clock: deps.clock,
      step: (roomNid) => this.#sendNext(roomNid),
      onCrash: deps.onFailure,
    })
  }

  /** Goes on with what waited before the restart; what became due meanwhile is sent at once. */
  async start(): Promise<void> {
    for (const roomNid of await table.listDelayedRooms(this.#deps.db)) this.#rooms.wake(roomNid)
  }

  close(): Promise<void> {
    return this.#rooms.close()
  }

  /**
   * Has an event sent after `delayMs`; returns its `delay_id`. The same transaction id yields the same one for a type, while
   * it waits. Throws `M_FORBIDDEN` for a room that the sender is not in, and for a delay that is too long;
   * `M_LIMIT_EXCEEDED` when too many wait. Whether the event may be sent is found out when it is.
   */
  async schedule(
    sender: Sender,
    roomId: RoomId,
    event: Delayable,
    delayMs: number,
    txnId: string | undefined,
  ): Promise<string> {
    const { db, clock, rooms, maxDelayMs, maxPerUser, newId } = this.#deps
    if (maxPerUser === 0) throw forbidden('This server sends no events later')
    if (delayMs > maxDelayMs) throw forbidden(`An event can be delayed by ${maxDelayMs} ms at most`)
    const text = JSON.stringify(event)
    if (Buffer.byteLength(text) > MAX_BYTES) throw tooLarge('The event is too large')
    const room = await rooms.find(roomId)
    if ((await room?.membershipOf(sender.userId)) !== 'join' || !room) throw forbidden('You are not in this room')
    const { userNid, deviceNid } = sender
    const { nid: roomNid } = room
    const now = clock.now()
    const row = {
      delayId: newId(),
      userNid,
      deviceNid,
      roomNid,
      txnId: txnId && `${event.type} ${txnId}`,
      event: text,
      delayMs,
      sendAt: now + delayMs,
    }
    const delayId = await transact(db, async (tx) => {
      await lockAccount(tx, userNid)
      const id = await table.insertDelayedEvent(tx, row)
      const { count, nextAt } = await table.countOtherDelayed(tx, userNid, id)
      if (id === row.delayId && count >= maxPerUser) throw tooMany(nextAt - now)
      return id
    })
    this.#rooms.wake(roomNid)
    this.#rooms.rearm(roomNid)
    return delayId
  }

  /** Starts the time of an event anew. This and the next two throw `M_NOT_FOUND` if no such event waits. */
  restart(delayId: string): Promise<void> {
    const { db, clock } = this.#deps
    return this.#turns.run(delayId, async () => {
      if (!(await transact(db, (tx) => table.updateRestarted(tx, delayId, clock.now())))) throw notWaiting()
    })
  }

  cancel(delayId: string): Promise<void> {
    return this.#turns.run(delayId, async () => {
      if (!(await this.#delete(delayId))) throw notWaiting()
    })
  }

  /** Sends an event now. If it may not be sent, the sender is told so, and it goes on waiting. */
  sendNow(delayId: string): Promise<void> {
    return this.#turns.run(delayId, async () => {
      const event = await table.findDelayedEvent(this.#deps.db, delayId)
      if (!event) throw notWaiting()
      await this.#send(event)
      await this.#delete(delayId)
    })
  }

  /** What waits of a user, in the order in which it is due. */
  async list(userNid: number): Promise<Waiting[]> {
    return (await table.listDelayedEvents(this.#deps.db, userNid)).map(toWaiting)
  }

  /** One event of the user; throws `M_NOT_FOUND`. */
  async get(userNid: number, delayId: string): Promise<Waiting> {
    const event = await table.findDelayedEvent(this.#deps.db, delayId)
    if (event?.userNid !== userNid) throw notWaiting()
    return toWaiting(event)
  }

  async #sendNext(roomNid: number): Promise<number | undefined> {
    const { db, clock } = this.#deps
    const next = await table.findNextDelayed(db, roomNid)
    if (!next) return undefined
    const waitMs = next.send_at - clock.now()
    if (waitMs > 0) return Math.min(waitMs, MAX_PAUSE_MS)
    await this.#turns.run(next.delay_id, () => this.#sendDue(next.delay_id))
    return 0
  }

  async #sendDue(delayId: string): Promise<void> {
    const { db, clock, onFailure } = this.#deps
    const event = await table.findDelayedEvent(db, delayId)
    // Cancelled or restarted while it had to wait for its turn.
    if (!event || event.sendAt > clock.now()) return
    try {
      await this.#send(event)
    } catch (error) {
      const isRefused = error instanceof MatrixError
      if (!isRefused) onFailure(error)
      const retryMs = isRefused ? error.fields.retry_after_ms : FAILED_PAUSE_MS
      // Later, rather than never as the draft has it: here nobody could ask what became of it.
      if (typeof retryMs === 'number') {
        return transact(db, (tx) => table.updateSendAt(tx, delayId, clock.now() + retryMs))
      }
    }
    await this.#delete(delayId)
  }

  async #send({ delayId, userId, roomId, event, isGuest, maySend }: table.DelayedEvent): Promise<void> {
    const { sending, countMessage } = this.#deps
    const waiting = parsed(event)
    if (!maySend && !isLeaving(waiting)) throw forbidden('The sender can send nothing at present')
    countMessage(userId)
    const { type, stateKey, content, ts } = waiting
    // By this transaction a second attempt, after a crash between sending and deleting, finds the event that was sent.
    const txn = txnAt('', { deviceNid: DELAYED }, delayId)
    const sender = { userId, isGuest, ts, txn }
    if (stateKey === undefined) await sending.message(sender, roomId, type, content)
    else await sending.state(sender, roomId, type, stateKey, content)
  }

  #delete(delayId: string): Promise<boolean> {
    return transact(this.#deps.db, (tx) => table.deleteDelayedEvent(tx, delayId))
  }
}

const CALL_MEMBERS = ['org.matrix.msc3401.call.member', 'm.call.member']

/** It takes a client out of a call, and says nothing: without it, who is locked or suspended would stay there for hours. */
const isLeaving = ({ type, stateKey, content }: Delayable): boolean =>
  CALL_MEMBERS.includes(type) && stateKey !== undefined && Object.keys(content).length === 0

const parsed = (event: string): Delayable => JSON.parse(event) as Delayable

const toWaiting = ({ delayId, roomId, event, delayMs, sendAt }: table.DelayedEvent): Waiting => ({
  ...parsed(event),
  delayId,
  roomId,
  delayMs,
  since: sendAt - delayMs,
})

const notWaiting = () => notFound('No such event waits')

const tooMany = (waitMs: number) =>
  new MatrixError('M_LIMIT_EXCEEDED', 'Too many of your events wait', {
    fields: { retry_after_ms: Math.max(1, waitMs) },
  })
