import type { Db } from '../../storage/db.ts'
import type { ClientEvents } from '../rooms/client-events.ts'
import type { Visibility } from '../rooms/visibility.ts'
import type { RoomAccess } from './room-access.ts'

/** What the endpoints that read rooms are made of. */
export interface Reading {
  readonly db: Db
  readonly access: RoomAccess
  readonly visibility: Visibility
  readonly clientEvents: ClientEvents
}
