import type { Logger } from 'pino'
import { type RoomId, serverOf } from '../../../matrix/ids.ts'
import { type Db, transact } from '../../../storage/db.ts'
import * as table from '../../../storage/federation/held-events.ts'
import { internName } from '../../../storage/names.ts'
import type { Clock } from '../../../util/clock.ts'
import type { LiveRoom } from '../live-room.ts'
import type { Incoming } from './incoming.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly log: Logger
  /** Looks for what the held events of a room need, and appends what is complete. Never rejects for what others do. */
  fill(roomId: RoomId, signal: AbortSignal): Promise<void>
}

/** Events held for one room, and of them by one server. */
const MAX_HELD = 2_000
const MAX_HELD_OF_SERVER = 500
/** Rooms whose gaps are filled at a time. */
const MAX_ROOMS = 4
/**
 * Held events are looked at again this long after something came into their room: whoever sent what was missing mostly
 * sends what follows it too.
 */
const SETTLE_MS = 1_000
const LONGEST_SLEEP_MS = 60_000
/** How long a room is left alone whose held events we fail to look at. */
const FAILED_PAUSE_MS = 60_000

/** Events that wait for what they refer to: kept in a table, looked at again and again, never lost by a restart. */
export class HeldEvents {
  readonly #deps: Deps
  readonly #stop = new AbortController()
  readonly #active = new Map<string, Promise<void>>()
  /** Numbers of rooms into which something came while they were looked at. */
  readonly #missed = new Map<string, number>()
  #wake = new AbortController()
  #loop: Promise<void> | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#loop
    await Promise.all(this.#active.values())
  }

  /**
   * Keeps events of which something is missing. Too many of one server are dropped: it may send them again. Where there are
   * too many in all, they give way of whom there are most.
   */
  async hold(origin: string, room: LiveRoom, events: readonly Incoming[]): Promise<void> {
    const { db, clock, log } = this.#deps
    const { all, ofServer } = await table.countHeld(db, room.nid, origin)
    const space = Math.max(0, MAX_HELD_OF_SERVER - ofServer)
    const taken = events.slice(0, space)
    const excess = all + taken.length - MAX_HELD
    if (space < events.length || excess > 0) {
      log.warn({ origin, roomId: room.roomId }, 'too many events wait for others in a room')
    }
    if (taken.length === 0) return
    const now = clock.now()
    await transact(db, async (tx) => {
      const serverNid = await internName(tx, origin)
      const rowOf = ({ eventId, json }: Incoming) => ({
        room_nid: room.nid,
        event_id: eventId,
        server_nid: serverNid,
        received_ts: now,
        retry_at: now,
        json,
      })
      for (const isOwn of [true, false]) {
        const part = taken.filter(({ pdu }) => (serverOf(pdu.sender) === origin) === isOwn)
        await table.upsertHeld(tx, part.map(rowOf), isOwn)
      }
      if (excess > 0) await table.deleteHeldOfMost(tx, room.nid, excess)
    })
    this.#wakeUp()
  }

  /** Something came into the room: what is held there may be complete now. */
  async onReceived({ nid, roomId }: LiveRoom): Promise<void> {
    if (!(await table.hasHeld(this.#deps.db, nid))) return
    if (this.#active.has(roomId)) this.#missed.set(roomId, nid)
    await this.#hasten(nid)
    this.#wakeUp()
  }

  /** Resolves once nothing that is due is left to do. */
  async idle(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active.values())
  }

  async #hasten(roomNid: number): Promise<void> {
    const { db, clock } = this.#deps
    await transact(db, (tx) => table.hastenHeld(tx, roomNid, clock.now() + SETTLE_MS))
  }

  /** Looks after a room, and soon again where something came into it meanwhile: who looked has put off what it left. */
  async #lookAfter(roomId: RoomId): Promise<void> {
    const { db, clock, log } = this.#deps
    this.#missed.delete(roomId)
    try {
      await this.#deps.fill(roomId, this.#stop.signal)
    } catch (err) {
      log.error({ err, roomId }, 'filling a gap failed')
      const now = clock.now()
      await transact(db, (tx) => table.postponeDue(tx, roomId, now, now + FAILED_PAUSE_MS))
    }
    const missed = this.#missed.get(roomId)
    if (missed !== undefined) await this.#hasten(missed)
  }

  #wakeUp(): void {
    this.#wake.abort()
  }

  async #run(): Promise<void> {
    const { db, clock, log } = this.#deps
    const { signal } = this.#stop
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#startDue()
        const due = await table.nextDue(db, [...this.#active.keys()])
        const isFull = this.#active.size >= MAX_ROOMS
        const pause =
          due === undefined || isFull ? LONGEST_SLEEP_MS : Math.min(Math.max(due - clock.now(), 1), LONGEST_SLEEP_MS)
        if (!signal.aborted) await clock.sleep(pause, this.#wake.signal)
      } catch (err) {
        log.error({ err }, 'looking after held events failed')
        await clock.sleep(LONGEST_SLEEP_MS, signal)
      }
    }
  }

  async #startDue(): Promise<void> {
    const { db, clock, log } = this.#deps
    const free = MAX_ROOMS - this.#active.size
    if (free <= 0) return
    for (const roomId of await table.listRoomsDue(db, clock.now(), MAX_ROOMS * 2)) {
      if (this.#active.size >= MAX_ROOMS) return
      if (this.#active.has(roomId)) continue
      const work = this.#lookAfter(roomId)
        .catch((err: unknown) => log.error({ err, roomId }, 'looking after a room failed'))
        .finally(() => {
          this.#active.delete(roomId)
          this.#wakeUp()
        })
      this.#active.set(roomId, work)
    }
  }
}
