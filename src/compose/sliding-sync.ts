import { DirectRooms } from '../services/account-data/direct-rooms.ts'
import { TaggedRooms } from '../services/account-data/tagged-rooms.ts'
import type { DeviceKeys } from '../services/keys/device-keys.ts'
import type { DeviceLists } from '../services/keys/device-lists.ts'
import type { ToDevice } from '../services/keys/to-device.ts'
import type { Append } from '../services/rooms/append.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { ClientEvents } from '../services/rooms/view/client-events.ts'
import type { Visibility } from '../services/rooms/view/visibility.ts'
import { Connections } from '../services/sliding/connections.ts'
import { AccountDataExtension } from '../services/sliding/extensions/account-data.ts'
import { E2eeExtension } from '../services/sliding/extensions/e2ee.ts'
import { ProfilesExtension } from '../services/sliding/extensions/profiles.ts'
import { ReceiptsExtension } from '../services/sliding/extensions/receipts.ts'
import { ThreadSubscriptionsExtension } from '../services/sliding/extensions/thread-subscriptions.ts'
import { ToDeviceExtension } from '../services/sliding/extensions/to-device.ts'
import { TypingExtension } from '../services/sliding/extensions/typing.ts'
import { LazyMembers } from '../services/sliding/lazy-members.ts'
import { RoomActivity } from '../services/sliding/room-activity.ts'
import { RoomFilters } from '../services/sliding/room-filters.ts'
import { RoomTraits } from '../services/sliding/room-traits.ts'
import { RoomsPart } from '../services/sliding/rooms-part.ts'
import { SlidingSync } from '../services/sliding/sliding-sync.ts'
import { SpaceChildren } from '../services/sliding/space-children.ts'
import { RoomWindows } from '../services/sliding/windows.ts'
import { HOUR_MS } from '../util/clock.ts'
import type { Ground } from './ground.ts'
import type { composeOwnData } from './own-data.ts'
import type { composeSync } from './sync.ts'

interface Rooms {
  liveRooms: LiveRooms
  append: Append
  visibility: Visibility
  clientEvents: ClientEvents
}

interface Keys {
  deviceKeys: DeviceKeys
  deviceLists: DeviceLists
  toDevice: ToDevice
}

/** Sliding sync: the same news as `/sync` has, of the rooms that a client looks at. */
export function composeSlidingSync(
  { db, clock, random, stream, every }: Ground,
  { accountData, pushRules, userRooms, ignoredUsers, inviteRules, threadFollowing }: ReturnType<typeof composeOwnData>,
  { liveRooms: rooms, append, visibility, clientEvents }: Rooms,
  { deviceKeys, deviceLists: lists, toDevice }: Keys,
  { typing, receipts, syncParts, counting }: ReturnType<typeof composeSync>,
) {
  const { news, profileNews, changes, state, sentMembers, longAnswers } = syncParts
  const connections = new Connections({ db, clock, random })
  every(HOUR_MS, 'forgetting connections of sliding sync', () => connections.expire())
  const activity = new RoomActivity({ db, stream })
  const traits = new RoomTraits({ db, rooms, state, visibility })
  const spaceChildren = new SpaceChildren(db)
  for (const listener of [activity, traits, spaceChildren]) {
    append.onAppended((appended) => listener.onAppended(appended))
  }
  const directRooms = new DirectRooms(accountData)
  const taggedRooms = new TaggedRooms(accountData)
  const filters = new RoomFilters({ rooms, traits, directRooms, taggedRooms, spaceChildren })
  const windows = new RoomWindows({ rooms, visibility, inviteRules, activity, filters })
  const lazyMembers = new LazyMembers({ state, sentMembers })
  const roomsPart = new RoomsPart({
    db,
    rooms,
    directRooms,
    visibility,
    clientEvents,
    state,
    changes,
    lazyMembers,
    unread: counting.unread,
  })
  const extensions = [
    new ToDeviceExtension(toDevice),
    new E2eeExtension({ deviceKeys, lists }),
    new AccountDataExtension({ accountData, pushRules }),
    new ReceiptsExtension(receipts),
    new TypingExtension(typing),
    new ThreadSubscriptionsExtension(threadFollowing),
    new ProfilesExtension(profileNews),
  ]
  const slidingSync = new SlidingSync({
    clock,
    stream,
    typing,
    news,
    userRooms,
    ignoredUsers,
    connections,
    windows,
    rooms: roomsPart,
    lazyMembers,
    longAnswers,
    extensions,
  })
  return { slidingSync }
}
