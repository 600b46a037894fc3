import { notFound } from '../../matrix/errors.ts'
import type { RoomId } from '../../matrix/ids.ts'
import { type Db, transact } from '../../storage/db.ts'
import { updateNetworkRoom } from '../../storage/rooms/directory.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import type { AppService } from './app-service.ts'

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
  /** Told when a room was listed or taken off a list, after the commit. */
  onPublished(roomNid: number): void
}

/** What names a network among those of all application services (spec: Protocol Instance, `instance_id`). */
export const instanceIdOf = (serviceId: string, network: string): string => `${serviceId}|${network}`

/**
 * Lists a room in the directory of one of an application service's networks, or takes it off (spec: application service
 * API, Published room directories). Throws `M_NOT_FOUND` for a room that is not here.
 */
export async function publishInNetwork(
  { db, rooms, onPublished }: Deps,
  { id: service }: AppService,
  network: string,
  roomId: RoomId,
  isPublic: boolean,
): Promise<void> {
  const room = await rooms.find(roomId)
  if (!room) throw notFound('No such room')
  await transact(db, (tx) => updateNetworkRoom(tx, { room_nid: room.nid, service, network }, isPublic))
  onPublished(room.nid)
}
