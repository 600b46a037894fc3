import { serverOf, type UserId } from '../../../matrix/ids.ts'
import { type Pdu, skimPdu } from '../../../room/event.ts'
import { type HistoryVisibility, historyVisibilityOf, maySee, type Sight } from '../../../room/visibility.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listReplacedAt, listReplacedBy } from '../../../storage/rooms/state-history.ts'
import { type Awaitable, andThen } from '../../../util/awaitable.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StoredEvent } from '../stored-event.ts'
import type { ErasedUsers } from './erased-users.ts'
import { PastState } from './past-state.ts'
import { isJoined, type Standing, standingOf } from './standing.ts'
import type { Viewer } from './viewer.ts'

interface Deps {
  readonly db: Db
  readonly serverName: string
  readonly erased: ErasedUsers
  readonly ignoredUsers: IgnoredUsers
}

/** Whom a user ignores. */
export type IgnoredUsers = (userId: UserId) => Awaitable<ReadonlySet<UserId>>

const HISTORY_VISIBILITY = 'm.room.history_visibility'
/** No position is as high. */
const LAST = Number.MAX_SAFE_INTEGER - 1
/** Former values that are looked at before a room counts as one that always was open. */
const MAX_VISIBILITIES = 20

/**
 * Which events a user may see (spec: Room history visibility). The usual case, a member of a room whose history always
 * was open to its members, is decided without looking at any event.
 */
export class Visibility {
  readonly #deps: Deps
  readonly #past: PastState
  // Holds while the history visibility event is the same.
  readonly #open = new WeakMap<LiveRoom, { as: StoredEvent | undefined; isOpen: boolean }>()

  constructor(deps: Deps) {
    this.#deps = deps
    this.#past = new PastState(deps.db)
  }

  standing(room: LiveRoom, viewer: Viewer): Promise<Standing> {
    return standingOf(this.#deps.db, room, viewer)
  }

  /**
   * Those of the events that the viewer may see, in their order. Events of ignored users are left out, or pruned where
   * the caller needs them; those of erased users are pruned for who was no member then.
   */
  async visibleEvents(
    room: LiveRoom,
    all: readonly StoredEvent[],
    viewer: Viewer,
    ignored: 'omit' | 'prune' = 'omit',
  ): Promise<StoredEvent[]> {
    const events = await this.#withoutIgnored(all, viewer, ignored)
    if (events.length === 0) return []
    if (await this.seesAll(room, viewer)) return this.#withoutErased(room, events, viewer)
    const outlook = await this.#outlook(room, events, viewer)
    const before = await this.#visibilitiesBefore(room, events)
    const visible = events.filter((event) => {
      // Also when it rejects an invite, or is a ban after having left: who else should know?
      if (event.type === 'm.room.member' && event.stateKey === viewer.userId) return true
      const { after, isBeforeLeaving } = outlook(event)
      if (!after) return false
      const visibility = before.get(event.nid) ?? after.visibility
      return maySee(event.pdu, viewer.userId, { ...after, visibility }, after, isBeforeLeaving)
    })
    return this.#withoutErased(room, visible, viewer)
  }

  /**
   * Those of the events at which the viewer may read the state of the room. That an event is shown is not enough: one's own
   * membership is, whenever it changed, and a change of the history visibility is from either side.
   */
  async withReadableState(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
  ): Promise<readonly StoredEvent[]> {
    if (await this.seesAll(room, viewer)) return events
    const { joinedUntil } = await this.standing(room, viewer)
    const outlook = await this.#outlook(room, events, viewer)
    return events.filter((event) => {
      const { after, isBeforeLeaving } = outlook(event)
      // The state with which the viewer left is read in any case.
      if (event.pos === joinedUntil) return true
      return after !== undefined && maySee(event.pdu, viewer.userId, after, after, isBeforeLeaving)
    })
  }

  /** Whether there is nothing in the room that its history visibility hides from the viewer. */
  seesAll(room: LiveRoom, viewer: Viewer): Awaitable<boolean> {
    return isJoined(room, viewer) && this.#isOpen(room)
  }

  /** Whether no event is left out because of who sent it. */
  async ignoresNobody({ userId }: Viewer): Promise<boolean> {
    return (await this.#deps.ignoredUsers(userId)).size === 0
  }

  /** Up to which position of arrival there may be anything for the viewer to see; a number for queries, never infinite. */
  async horizon(room: LiveRoom, viewer: Viewer): Promise<number> {
    const { joinedUntil } = await this.standing(room, viewer)
    if (joinedUntil === Number.POSITIVE_INFINITY || (await this.isWorldReadable(room))) return LAST
    return Math.max(joinedUntil, -LAST)
  }

  /** What the state after each event says of the viewer, and whether the viewer was a member at some time after it. */
  async #outlook(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
  ): Promise<(event: StoredEvent) => { after: Sight | undefined; isBeforeLeaving: boolean }> {
    const { joinedUntil } = await this.standing(room, viewer)
    const sights = await this.#past.sights(statesOf(events), viewer.userNid)
    return ({ row, pos }) => {
      const isBeforeLeaving = pos <= joinedUntil
      const sight = sights.get(row.state_nid ?? 0)
      return { after: sight && !isBeforeLeaving ? notJoined(sight) : sight, isBeforeLeaving }
    }
  }

  /** The membership of the viewer at each of these events, any change by the event included (MSC4115). */
  async memberships(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
  ): Promise<(event: StoredEvent) => string> {
    const memberEvent = await room.stateEvent('m.room.member', viewer.userId)
    const current = memberEvent?.membership ?? 'leave'
    const since = memberEvent?.pos ?? 0
    // What is made here builds upon all that the room had, so it comes after the member event in every sense.
    const isCurrent = ({ row, pos, pdu }: StoredEvent) =>
      row.state_nid === room.stateNid || (pos >= since && serverOf(pdu.sender) === this.#deps.serverName)
    const others = events.filter((event) => !isCurrent(event))
    if (others.length === 0) return () => current
    const sights = await this.#past.sights(statesOf(others), viewer.userNid)
    return (event) => (isCurrent(event) ? current : (sights.get(event.row.state_nid ?? 0)?.membership ?? 'leave'))
  }

  /** Whether anybody may read the room as it is now. */
  async isWorldReadable(room: LiveRoom): Promise<boolean> {
    return historyVisibilityOf((await room.stateEvent(HISTORY_VISIBILITY, ''))?.pdu) === 'world_readable'
  }

  /** Whether the history visibility never was one that hides anything from a member. */
  #isOpen(room: LiveRoom): Awaitable<boolean> {
    return andThen(room.stateEvent(HISTORY_VISIBILITY, ''), (current) => {
      const known = this.#open.get(room)
      return known && known.as === current ? known.isOpen : this.#lookWhetherOpen(room, current)
    })
  }

  async #lookWhetherOpen(room: LiveRoom, current: StoredEvent | undefined): Promise<boolean> {
    const isOpen = showsAllToMembers(current?.pdu) && (await this.#wasAlwaysOpen(room))
    this.#open.set(room, { as: current, isOpen })
    return isOpen
  }

  async #wasAlwaysOpen(room: LiveRoom): Promise<boolean> {
    const { db } = this.#deps
    const names = await nameNids(db, [HISTORY_VISIBILITY, ''])
    const [typeNid, keyNid] = [names.get(HISTORY_VISIBILITY), names.get('')]
    if (typeNid === undefined || keyNid === undefined) return true
    const former = await listReplacedAt(db, room.nid, typeNid, keyNid, MAX_VISIBILITIES)
    return former.length < MAX_VISIBILITIES && former.every((row) => showsAllToMembers(skimPdu(row.json)))
  }

  /** A change of the history visibility may be seen by whoever could see events before it: those values by number. */
  async #visibilitiesBefore(room: LiveRoom, events: readonly StoredEvent[]): Promise<Map<number, HistoryVisibility>> {
    const changes = events.filter((event) => event.isState && event.type === HISTORY_VISIBILITY)
    if (changes.length === 0) return new Map()
    const replaced = await listReplacedBy(this.#deps.db, room.nid, changes)
    return new Map(
      changes.map(({ nid }) => {
        const row = replaced.get(nid)
        return [nid, historyVisibilityOf(row && skimPdu(row.json))]
      }),
    )
  }

  /** State is shown whoever sent it (spec: Ignoring Users). */
  #withoutIgnored(
    events: readonly StoredEvent[],
    viewer: Viewer,
    how: 'omit' | 'prune',
  ): Awaitable<readonly StoredEvent[]> {
    return andThen(this.#deps.ignoredUsers(viewer.userId), (ignored: ReadonlySet<string>) => {
      if (ignored.size === 0) return events
      const isShown = (event: StoredEvent) => event.isState || !ignored.has(event.pdu.sender)
      return how === 'omit' ? events.filter(isShown) : events.map((event) => (isShown(event) ? event : event.pruned()))
    })
  }

  /**
   * State as the viewer may see it: without the names and pictures of users who asked to be erased, for who came later. What
   * else they set is the room's.
   */
  stateWithoutErased(room: LiveRoom, state: readonly StoredEvent[], viewer: Viewer): Awaitable<readonly StoredEvent[]> {
    const isConcerned = ({ row, type }: StoredEvent) =>
      this.#deps.erased.has(row.sender_nid) && type === 'm.room.member'
    if (!state.some(isConcerned)) return state
    return andThen(this.#withoutErased(room, state.filter(isConcerned), viewer), (pruned) => {
      const byNid = new Map(pruned.map((event) => [event.nid, event]))
      return state.map((event) => byNid.get(event.nid) ?? event)
    })
  }

  /** Events of users who asked to be erased are shown whole only to those who were members then (spec: deactivation). */
  #withoutErased(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer): Awaitable<StoredEvent[]> {
    const { erased } = this.#deps
    const concerned = events.filter((event) => erased.has(event.row.sender_nid))
    if (concerned.length === 0) return [...events]
    return andThen(this.memberships(room, concerned, viewer), (membershipAt) =>
      events.map((event) =>
        erased.has(event.row.sender_nid) && membershipAt(event) !== 'join' ? event.pruned() : event,
      ),
    )
  }
}

const statesOf = (events: readonly StoredEvent[]): number[] =>
  events.map((event) => event.row.state_nid).filter((nid) => nid !== null)

const showsAllToMembers = (pdu: Pdu | undefined): boolean => {
  const visibility = historyVisibilityOf(pdu)
  return visibility === 'shared' || visibility === 'world_readable'
}

/** Who has left sees nothing that arrived later, even where an event does not know of the leaving yet. */
const notJoined = (sight: Sight): Sight => (sight.membership === 'join' ? { ...sight, membership: 'leave' } : sight)
