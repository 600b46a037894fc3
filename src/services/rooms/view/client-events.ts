import type { Db } from '../../../storage/db.ts'
import { eventsByNid } from '../../../storage/rooms/events.ts'
import { listReplacedBy } from '../../../storage/rooms/state-history.ts'
import { listTransactionsBy } from '../../../storage/rooms/transactions.ts'
import type { Awaitable } from '../../../util/awaitable.ts'
import type { Clock } from '../../../util/clock.ts'
import { DELAYED, type Txn } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import { Bundles } from './bundles.ts'
import type { BundleDepth } from './shown-children.ts'
import type { Viewer } from './viewer.ts'
import type { IgnoredUsers, Visibility } from './visibility.ts'

export type { Viewer } from './viewer.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly visibility: Visibility
  readonly ignoredUsers: IgnoredUsers
}

export interface RenderOptions {
  /** False where the room is implied, as in `/sync`. */
  readonly withRoomId?: boolean
  /** False where no bundled aggregations are asked for: deprecated endpoints, a timeline in `/sync` without a gap. */
  readonly withRelations?: boolean
  /** For lists of a room's state: of `unsigned` only what costs next to nothing, because state may be very long. */
  readonly brief?: boolean
}

/** JSON texts to go into `unsigned`, such as `"age":1`, by the number of the event. */
type Parts = ReadonlyMap<number, string>
const NONE: Parts = new Map()

/**
 * Events in the format for clients, as JSON text (spec: Room event format). What is the same for all viewers was
 * composed once; `unsigned` is made for the one who looks. A message of somebody else costs no query.
 */
export class ClientEvents {
  readonly #deps: Deps
  readonly #bundles: Bundles

  constructor(deps: Deps) {
    this.#deps = deps
    this.#bundles = new Bundles({
      ...deps,
      render: (room, events, viewer, depth) => this.#render(room, events, viewer, true, depth),
    })
  }

  /** The events in their order. The caller has made sure that the viewer may see them. */
  render(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    { withRoomId = true, withRelations = true, brief = false }: RenderOptions = {},
  ): Promise<string[]> {
    if (brief) return this.#renderBriefly(room, events, viewer, withRoomId)
    return this.#render(room, events, viewer, withRoomId, withRelations ? 'full' : 'none')
  }

  /** The same for one event. */
  async renderOne(room: LiveRoom, event: StoredEvent, viewer: Viewer, options?: RenderOptions): Promise<string> {
    const [text] = await this.render(room, [event], viewer, options)
    if (text === undefined) throw new Error('An event has no text')
    return text
  }

  async #renderBriefly(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    withRoomId: boolean,
  ): Promise<string[]> {
    const shown = await this.#deps.visibility.stateWithoutErased(room, events, viewer)
    // Pruned ones have no redaction to tell of.
    const redactions = await this.#redactions(room, events, viewer, withRoomId)
    return this.#compose(room, shown, withRoomId, [redactions])
  }

  async #render(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    withRoomId: boolean,
    depth: BundleDepth,
  ): Promise<string[]> {
    if (events.length === 0) return []
    const membershipAt = await this.#deps.visibility.memberships(room, events, viewer)
    return this.#compose(room, events, withRoomId, [
      new Map(events.map((event) => [event.nid, `"membership":${JSON.stringify(membershipAt(event))}`])),
      await this.#transactionIds(room, events, viewer),
      await this.#replacedStates(room, events, viewer, membershipAt),
      await this.#redactions(room, events, viewer, withRoomId),
      depth === 'none' ? NONE : await this.#bundles.of(room, events, viewer, depth),
    ])
  }

  #compose(room: LiveRoom, events: readonly StoredEvent[], withRoomId: boolean, parts: readonly Parts[]): string[] {
    const now = this.#deps.clock.now()
    const roomId = withRoomId ? `,"room_id":${JSON.stringify(room.roomId)}` : ''
    const present = parts.filter((part) => part.size > 0)
    return events.map((event) => {
      let unsigned = `"age":${now - event.row.ts}`
      for (const part of present) {
        const text = part.get(event.nid)
        if (text !== undefined) unsigned += `,${text}`
      }
      return `${event.clientText}${roomId},"unsigned":{${unsigned}}}`
    })
  }

  /** `transaction_id`, for the device that sent the event; the `delay_id` (MSC4140) for its sender. */
  #transactionIds(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer): Awaitable<Parts> {
    const own = events.filter((event) => event.row.sender_nid === viewer.userNid)
    return own.length === 0 ? NONE : this.#ownTransactionIds(room, own, viewer)
  }

  async #ownTransactionIds(room: LiveRoom, own: readonly StoredEvent[], viewer: Viewer): Promise<Parts> {
    const parts = new Map<number, string>()
    const older: number[] = []
    const shows = ({ deviceNid }: Txn) => deviceNid === viewer.deviceNid || deviceNid === DELAYED
    for (const event of own) {
      const txn = room.tail.txnOf(event)
      if (txn && shows(txn)) parts.set(event.nid, transactionId(txn))
      else if (!room.tail.covers(event)) older.push(event.nid)
    }
    if (older.length > 0) {
      const rows = await listTransactionsBy(this.#deps.db, [viewer.deviceNid, DELAYED], older)
      for (const row of rows) {
        parts.set(row.event_nid, transactionId({ deviceNid: row.device_nid, txnId: row.txn_id }))
      }
    }
    return parts
  }

  /** `replaces_state` and, where the viewer may see the event that was replaced, `prev_content`. */
  #replacedStates(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    membershipAt: (event: StoredEvent) => string,
  ): Awaitable<Parts> {
    const states = events.filter((event) => event.isState && event.pos > 0)
    return states.length === 0 ? NONE : this.#replacedBy(room, states, viewer, membershipAt)
  }

  async #replacedBy(
    room: LiveRoom,
    states: readonly StoredEvent[],
    viewer: Viewer,
    membershipAt: (event: StoredEvent) => string,
  ): Promise<Parts> {
    const rows = await listReplacedBy(this.#deps.db, room.nid, states)
    if (rows.size === 0) return NONE
    const replaced = new Map([...rows].map(([nid, row]) => [nid, new StoredEvent(row, room.roomId, room.version)]))
    // A member had the state that was replaced; of the others, each is asked about.
    const doubtful = states.filter((event) => membershipAt(event) !== 'join')
    const former = doubtful.map(({ nid }) => replaced.get(nid)).filter((event) => event !== undefined)
    const seen = await this.#deps.visibility.visibleEvents(room, former, viewer)
    const asSeen = new Map<number, StoredEvent | undefined>(former.map(({ nid }) => [nid, undefined]))
    for (const event of seen) asSeen.set(event.nid, event)
    const parts = new Map<number, string>()
    for (const event of states) {
      const before = replaced.get(event.nid)
      if (!before) continue
      const id = `"replaces_state":${JSON.stringify(before.eventId)}`
      const shown = asSeen.has(before.nid) ? asSeen.get(before.nid) : before
      parts.set(event.nid, shown ? id + formerText(shown) : id)
    }
    return parts
  }

  /** `redacted_because`: the redaction, where the viewer may see it. */
  #redactions(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer, withRoomId: boolean): Awaitable<Parts> {
    const redacted = events.filter((event) => event.row.redacted_by_nid !== null)
    return redacted.length === 0 ? NONE : this.#redactionsOf(room, redacted, viewer, withRoomId)
  }

  async #redactionsOf(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    withRoomId: boolean,
  ): Promise<Parts> {
    const nids = new Set(events.map((event) => event.row.redacted_by_nid).filter((nid) => nid !== null))
    const { db, visibility } = this.#deps
    const rows = await eventsByNid(db, [...nids])
    const redactions = rows.map((row) => new StoredEvent(row, room.roomId, room.version))
    const visible = await visibility.visibleEvents(room, redactions, viewer)
    const texts = await this.#render(room, visible, viewer, withRoomId, 'none')
    const byNid = new Map(visible.map((event, index) => [event.nid, texts[index] as string]))
    const parts = new Map<number, string>()
    for (const event of events) {
      const text = byNid.get(event.row.redacted_by_nid ?? 0)
      if (text !== undefined) parts.set(event.nid, `"redacted_because":${text}`)
    }
    return parts
  }
}

const formerText = ({ visible: { content, sender } }: StoredEvent): string =>
  `,"prev_content":${JSON.stringify(content)},"prev_sender":${JSON.stringify(sender)}`

const transactionId = ({ deviceNid, txnId }: Pick<Txn, 'deviceNid' | 'txnId'>): string =>
  `"${deviceNid === DELAYED ? 'org.matrix.msc4140.delay_id' : 'transaction_id'}":${JSON.stringify(txnId)}`
