import { parsePath } from '../push-rules/push-event.ts'
import { EventFilter } from './event-filter.ts'
import type { FilterContent } from './filter-schema.ts'

const DEFAULT_TIMELINE_LIMIT = 10
/** More than anybody shows at once; `/messages` has the rest. */
const MAX_TIMELINE_LIMIT = 200

/** A client's filter, ready to use. */
export class Filter {
  readonly timeline: EventFilter
  readonly state: EventFilter
  readonly ephemeral: EventFilter
  readonly roomAccountData: EventFilter
  readonly presence: EventFilter
  readonly accountData: EventFilter
  readonly timelineLimit: number
  readonly lazyLoadMembers: boolean
  readonly includeRedundantMembers: boolean
  readonly unreadByThread: boolean
  readonly includeLeave: boolean
  readonly federationFormat: boolean
  /** Paths of the fields to keep; undefined: all. */
  readonly eventFields: readonly string[][] | undefined
  /** The fields of profiles that it wants to be told of, and the answer's name for them (MSC4429). */
  readonly profiles: { readonly name: string; readonly fields: readonly string[] } | undefined
  readonly #rooms: EventFilter

  constructor(content: FilterContent = {}) {
    const { room = {} } = content
    this.timeline = new EventFilter(room.timeline)
    this.state = new EventFilter(room.state)
    this.ephemeral = new EventFilter(room.ephemeral)
    this.roomAccountData = new EventFilter(room.account_data)
    this.presence = new EventFilter(content.presence)
    this.accountData = new EventFilter(content.account_data)
    this.timelineLimit = Math.min(room.timeline?.limit ?? DEFAULT_TIMELINE_LIMIT, MAX_TIMELINE_LIMIT)
    // Lazy loading is a matter of the state alone (spec: GET /sync).
    this.lazyLoadMembers = room.state?.lazy_load_members ?? false
    this.includeRedundantMembers = room.state?.include_redundant_members ?? false
    this.unreadByThread = room.timeline?.unread_thread_notifications ?? false
    this.includeLeave = room.include_leave ?? false
    this.federationFormat = content.event_format === 'federation'
    this.eventFields = content.event_fields?.map(parsePath)
    this.profiles = profilesOf(content)
    this.#rooms = new EventFilter({ rooms: room.rooms, not_rooms: room.not_rooms })
  }

  admitsRoom(roomId: string): boolean {
    return this.#rooms.admitsRoom(roomId)
  }
}

function profilesOf(content: FilterContent): Filter['profiles'] {
  const { profile_fields: stable, 'org.matrix.msc4429.profile_fields': unstable } = content
  if (stable?.ids?.length) return { name: 'users', fields: stable.ids }
  return unstable?.ids?.length ? { name: 'org.matrix.msc4429.users', fields: unstable.ids } : undefined
}

/** What applies to a client that names no filter. */
export const NO_FILTER = new Filter()
