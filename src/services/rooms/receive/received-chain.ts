import { authEventIds, prevEventIds } from '../../../room/event.ts'
import type { Db } from '../../../storage/db.ts'
import { EVENT_KIND, type EventKind, eventsById } from '../../../storage/rooms/events.ts'
import type { Batch, Entry } from '../entry.ts'
import type { LiveRoom } from '../live-room.ts'
import type { ResolveDeps } from '../state/resolution.ts'
import { resolveViews } from '../state/resolve-state.ts'
import { type StateView, storedView, ViewReader, viewAfter } from '../state/state-view.ts'
import { Unsaved } from '../state/unsaved.ts'
import { StoredEvent } from '../stored-event.ts'
import { AppliedRedactions } from './applied-redactions.ts'
import { Forks } from './forks.ts'
import { type Incoming, toStored } from './incoming.ts'
import { createEventId, judgeByAuthEvents, judgeByState, placesFor } from './judge.ts'
import { judgeByPartialState } from './judge-partially.ts'
import { type KnownEvents, loadKnownEvents } from './known-events.ts'

/** What became of an event. */
export type Outcome =
  | { readonly is: 'known' | 'accepted' }
  | { readonly is: 'rejected' | 'softFailed'; readonly reason: string }
  /** It cannot be judged without these. */
  | { readonly is: 'missing'; readonly prev: readonly string[]; readonly auth: readonly string[] }

/** What is known of some events beyond the tables. */
export interface Hints {
  /** The states after events that are not here, where a gap stays open. */
  readonly gaps?: ReadonlyMap<string, StateView>
  /** The states before events that follow what is not here. */
  readonly befores?: ReadonlyMap<string, StateView>
  /** The events are of the room's past: they change nothing that is current, and no `/sync` tells of them. */
  readonly isHistory?: boolean
  /** Events that the room's policy server advises against. */
  readonly unwanted?: ReadonlySet<string>
  /** The events are ours to send on, to all but the server that gave them to us. */
  readonly outgoing?: { except?: string }
  /** The events are stored, and judged again, now that all members of the room are known. */
  readonly isAgain?: boolean
  /** They are refused (`M_NOT_FOUND`) once nobody of ours is in the room any more: we could not tell others of them. */
  readonly isWhileThere?: boolean
  /** It is one event, which one of our users sent. */
  readonly own?: Pick<Entry, 'txn' | 'strippedState'>
}

interface Verdict {
  readonly kind: EventKind
  readonly reason?: string
  /** By the state before it alone: its auth events allow it. */
  readonly isByState?: boolean
}

/**
 * Events of other servers being added to a room, one after the other: judged by steps 4 to 6 of the specification
 * (server-server API, Checks performed on receipt of a PDU), none of them written yet.
 */
export class ReceivedChain {
  readonly #deps: ResolveDeps
  readonly #known: KnownEvents
  readonly #hints: Hints
  readonly #reader: ViewReader
  readonly #redactions: AppliedRedactions
  readonly #forks: Forks
  readonly #entries: Entry[] = []
  readonly #changes: Batch['changes'][number][] = []
  readonly #views = new Map<string, StateView>()
  readonly #filled: string[] = []
  readonly #superseded: number[] = []

  private constructor(deps: ResolveDeps, known: KnownEvents, hints: Hints) {
    this.#deps = deps
    this.#known = known
    this.#hints = hints
    this.#reader = new ViewReader(deps.db, deps.room)
    this.#redactions = new AppliedRedactions(known, this.#reader, deps.room.version)
    this.#forks = new Forks(deps)
  }

  static async begin(db: Db, room: LiveRoom, events: readonly Incoming[], hints: Hints): Promise<ReceivedChain> {
    const known = await loadKnownEvents(db, room, events)
    return new ReceivedChain({ db, room, unsaved: new Unsaved() }, known, hints)
  }

  /** What is to be written; undefined: nothing. */
  batch(): Batch | undefined {
    const { room } = this.#deps
    if (this.#entries.length === 0) return undefined
    const { current, extremities } = this.#forks
    return {
      room,
      entries: this.#entries,
      state: current.identity === room.stateNid ? undefined : current.ref,
      changes: this.#changes,
      extremities,
      filled: this.#filled,
      superseded: this.#superseded,
      ...(this.#hints.isHistory && { isHistory: true }),
    }
  }

  /** Judges one more event. */
  async add(incoming: Incoming): Promise<Outcome> {
    const { version, roomId } = this.#deps.room
    const { eventId, pdu } = incoming
    const before = this.#known.stored.get(eventId)
    if (before && isSettled(before) && !this.#hints.isAgain) return { is: 'known' }
    // It could not be stored, and whoever chose the id is to blame.
    if (this.#known.taken.has(eventId)) return { is: 'rejected', reason: 'An event of another room has its id' }
    const previous = prevEventIds(pdu)
    const named = version.createHashRoomId ? [createEventId(roomId), ...authEventIds(pdu)] : authEventIds(pdu)
    const auth = [...new Set(named)].filter((id) => !this.#known.stored.has(id))
    const known = this.#hints.befores?.get(eventId)
    const prev = known ? [] : previous.filter((id) => this.viewAfter(id) === undefined)
    if (auth.length + prev.length > 0) return { is: 'missing', auth, prev }

    const authEvents = new Map<string, StoredEvent>(
      named.flatMap((id) => this.#known.stored.get(id) ?? []).map((one) => [one.eventId, one]),
    )
    const view = known ?? (await this.#stateBefore(previous))
    const verdict = await this.#judge(incoming, authEvents, view)
    if (verdict.kind === EVENT_KIND.rejected && before && (await this.#isFoundation(before))) return { is: 'known' }
    const missing = previous.filter((id) => !this.#isHere(id))
    // Whoever told the state may have lied, or know less than others: what it says is nothing to reject an event for ever by.
    if (verdict.isByState && missing.length > 0 && !this.#hints.isAgain)
      return { is: 'missing', auth: [], prev: missing }
    const event = before
      ? new StoredEvent({ ...before.row, ...standing(verdict) }, roomId, version, pdu)
      : toStored(incoming, this.#deps.room, verdict.kind, verdict.reason)
    const cited = authEventIds(pdu).flatMap((id) => authEvents.get(id) ?? [])
    await this.#enter(event, cited, view, { before, missing })
    if (verdict.kind === EVENT_KIND.timeline) return { is: 'accepted' }
    return { is: verdict.kind === EVENT_KIND.rejected ? 'rejected' : 'softFailed', reason: verdict.reason ?? '' }
  }

  async #judge(event: Incoming, authEvents: ReadonlyMap<string, StoredEvent>, before: StateView): Promise<Verdict> {
    const { version } = this.#deps.room
    const { current } = this.#forks
    const rejected = (reason: string): Verdict => ({ kind: EVENT_KIND.rejected, reason })
    const isCreate = event.pdu.type === 'm.room.create'
    if (isCreate && !this.#isOwnCreate(event)) return rejected('A room is created once')
    if (event.pdu.prev_events.length === 0 && !isCreate) return rejected('Only the first event of a room follows none')
    const byAuth = judgeByAuthEvents(event, authEvents, version)
    if (byAuth !== undefined) return rejected(`By its auth events: ${byAuth}`)
    const places = placesFor(event.pdu, version)
    const byState = this.#isPartial
      ? await judgeByPartialState(this.#deps, event, authEvents, before)
      : judgeByState(event, await this.#reader.lookup(before, places), version)
    if (byState !== undefined) return { ...rejected(byState), isByState: true }
    // Nobody is turned away by a current state that may lack the sender.
    if (before.identity !== current.identity && !this.#hints.isHistory && !this.#deps.room.isPartial) {
      const byCurrent = judgeByState(event, await this.#reader.lookup(current, places), version)
      if (byCurrent !== undefined) return { kind: EVENT_KIND.softFailed, reason: byCurrent }
    }
    if (this.#hints.unwanted?.has(event.eventId)) {
      return { kind: EVENT_KIND.softFailed, reason: 'The policy server advises against it' }
    }
    return { kind: EVENT_KIND.timeline }
  }

  /** Whether the states before the events lack members. */
  get #isPartial(): boolean {
    return this.#deps.room.isPartial && !this.#hints.isHistory && !this.#hints.isAgain
  }

  /** Whether it is the event that the room began with, come to take its place in the past. */
  #isOwnCreate({ eventId }: Incoming): boolean {
    return this.#hints.isHistory === true && this.#known.stored.get(eventId)?.row.kind === EVENT_KIND.outlier
  }

  /**
   * Whether the room's state has an event since before we came. It came with what the room rested on then, and nobody takes
   * it away by sending it again, after a state that only the sender tells of.
   */
  async #isFoundation(event: StoredEvent): Promise<boolean> {
    if (event.row.kind !== EVENT_KIND.outlier || event.stateKey === undefined) return false
    return (await this.#at(this.#forks.current, event))?.eventId === event.eventId
  }

  async #enter(
    event: StoredEvent,
    authEvents: readonly StoredEvent[],
    before: StateView,
    { before: stored, missing }: { before: StoredEvent | undefined; missing: readonly string[] },
  ): Promise<void> {
    const entry: Entry = {
      event,
      authEvents,
      before: before.ref,
      txn: this.#hints.own?.txn,
      redacts: await this.#redactions.by(event, before),
      strippedState: this.#hints.own?.strippedState,
      isStored: stored !== undefined,
      missing,
      ...(stored && this.#hints.isAgain && { rejudged: { wasAt: stored.row.pos } }),
      ...(this.#hints.outgoing && { outgoing: this.#hints.outgoing }),
    }
    this.#deps.unsaved.add(event, authEvents)
    await this.#redactions.applyWaiting(event)
    this.#entries.push(entry)
    const view = viewAfter(entry, before)
    this.#views.set(event.eventId, view)
    this.#known.stored.set(event.eventId, event)
    const outside = this.#known.outside.get(event.eventId)
    if (outside !== undefined) this.#superseded.push(outside)
    if (this.#known.missed.has(event.eventId)) this.#filled.push(event.eventId)
    if (!event.isTimeline || this.#hints.isHistory || this.#hints.isAgain) return
    const known = (ids: readonly string[]) => this.#eventsOf(ids)
    // What others follow already is no end of the room, and its part of the state is known.
    if (this.#known.followed.has(event.eventId)) {
      for (const edit of await this.#forks.close(event, view, known)) this.#changes.push({ edit, at: entry })
      return
    }
    const current = this.#forks.current
    for (const edit of await this.#forks.add(event, before, view, known)) {
      const replaces = edit.event === event ? await this.#at(current, event) : edit.replaces
      this.#changes.push({ edit: { event: edit.event, replaces }, at: entry })
    }
  }

  /** The state before an event: that after its predecessors, resolved. */
  async #stateBefore(previous: readonly string[]): Promise<StateView> {
    if (previous.length > 0 && this.#forks.areAll(previous) && !this.#hints.isAgain) return this.#forks.current
    const views = previous.flatMap((id) => this.viewAfter(id) ?? [])
    return views.length === 0 ? storedView(undefined) : resolveViews(this.#deps, views)
  }

  /** The state after an event, as far as it is known. */
  viewAfter(id: string): StateView | undefined {
    const own = this.#views.get(id)
    if (own) return own
    const stateNid = this.#known.stored.get(id)?.row.state_nid
    return typeof stateNid === 'number' ? storedView(stateNid) : this.#hints.gaps?.get(id)
  }

  #isHere(id: string): boolean {
    return this.#views.has(id) || typeof this.#known.stored.get(id)?.row.state_nid === 'number'
  }

  async #at(view: StateView, event: StoredEvent): Promise<StoredEvent | undefined> {
    return this.#reader.event(view, event.type, event.stateKey ?? '')
  }

  async #eventsOf(ids: readonly string[]): Promise<StoredEvent[]> {
    const { db, room } = this.#deps
    const unknown = ids.filter((id) => !this.#known.stored.has(id))
    const rows = unknown.length === 0 ? [] : await eventsById(db, unknown)
    for (const row of rows) {
      if (row.room_nid === room.nid)
        this.#known.stored.set(row.event_id, new StoredEvent(row, room.roomId, room.version))
    }
    return ids.flatMap((id) => this.#known.stored.get(id) ?? [])
  }
}

/** Whether all that can be known of the event is known: not of outliers, nor of those that were rejected as such. */
const isSettled = ({ row }: StoredEvent): boolean => row.kind !== EVENT_KIND.outlier && row.state_nid !== null

const standing = ({ kind, reason }: Verdict) => ({ kind, reason: reason ?? null })
