import type { UserId } from '../matrix/ids.ts'
import type { Directory } from '../services/rooms/directory/directory.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { Viewer } from '../services/rooms/view/viewer.ts'
import { Hierarchy } from '../services/spaces/hierarchy.ts'
import { mutualRooms } from '../services/spaces/mutual-rooms.ts'
import { RemoteSpaces } from '../services/spaces/remote-spaces.ts'
import { RoomSummaries } from '../services/spaces/room-summary.ts'
import { ServedHierarchy } from '../services/spaces/served-hierarchy.ts'
import { Walks } from '../services/spaces/walk.ts'
import type { composeFederation } from './federation.ts'
import type { Ground } from './ground.ts'

interface Rooms {
  liveRooms: LiveRooms
  directory: Directory
}

/** Rooms as they look from outside: spaces and summaries. */
export function composeSpaces(
  { db, clock, random, serverName }: Ground,
  { client, policy }: ReturnType<typeof composeFederation>,
  { liveRooms: rooms, directory }: Rooms,
) {
  const mayFederate = (name: string) => policy.mayFederate(name)
  const remoteSpaces = new RemoteSpaces({ clock, serverName, client, mayFederate })
  const walks = new Walks({ clock, random })
  return {
    hierarchy: new Hierarchy({ db, clock, rooms, remoteSpaces, walks }),
    roomSummaries: new RoomSummaries({ db, rooms, serverName, remoteSpaces, directory, mayFederate }),
    mutualRooms: (user: Viewer, other: UserId, from: string | undefined) => mutualRooms(db, user, other, from),
    servedHierarchy: new ServedHierarchy({ db, rooms }),
  }
}
