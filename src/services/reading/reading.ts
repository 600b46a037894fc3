import type { EventId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'
import type { ClientEvents } from '../rooms/view/client-events.ts'
import type { Visibility } from '../rooms/view/visibility.ts'
import type { Placed } from '../tokens.ts'
import type { RoomAccess } from './room-access.ts'

/** What the endpoints that read rooms are made of. */
export interface Reading {
  readonly db: Db
  readonly access: RoomAccess
  readonly visibility: Visibility
  readonly clientEvents: ClientEvents
  readonly past: Past
}

/** The part of rooms that is not here yet. */
export interface Past {
  /**
   * Fetches what is missing of the `limit` events before a place, as far as other servers give it. Resolves to the next
   * place, right before an event, before which others may have more; undefined: none.
   */
  reach(room: LiveRoom, place: Placed, limit: number): Promise<Placed | undefined>
  /** Fetches an event that is not here, with some of what is before it, where other servers may have it. */
  fetch(room: LiveRoom, eventId: EventId): Promise<void>
  /**
   * The event that other servers have nearest to a time, in one direction of it, fetched; undefined where they know
   * none, or where nothing is missing here.
   */
  nearest(room: LiveRoom, ts: number, dir: 'f' | 'b'): Promise<StoredEvent | undefined>
}
