import type { Config } from '../config/schema.ts'
import type { Accounts } from '../services/accounts/accounts.ts'
import { getContext } from '../services/reading/context.ts'
import { nextEvents } from '../services/reading/event-stream.ts'
import {
  type AccountDataOf,
  type InitialSyncDeps,
  initialSync,
  roomInitialSync,
} from '../services/reading/initial-sync.ts'
import { listJoinedMembers, listMembers } from '../services/reading/members.ts'
import { listMessages } from '../services/reading/messages.ts'
import { getEvent, getEventOfAnyRoom } from '../services/reading/one-event.ts'
import type { Past, Reading } from '../services/reading/reading.ts'
import { listRelations } from '../services/reading/relations.ts'
import { RoomAccess } from '../services/reading/room-access.ts'
import { getStateEvent, listState } from '../services/reading/room-state.ts'
import { RoomWaits } from '../services/reading/room-waits.ts'
import { listThreadRoots } from '../services/reading/threads.ts'
import { eventNear } from '../services/reading/timestamp.ts'
import { Reports } from '../services/reports.ts'
import type { Append } from '../services/rooms/append.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { PartialRooms } from '../services/rooms/remote/partial/partial-rooms.ts'
import { ClientEvents } from '../services/rooms/view/client-events.ts'
import { ErasedUsers } from '../services/rooms/view/erased-users.ts'
import { type IgnoredUsers, Visibility } from '../services/rooms/view/visibility.ts'
import type { ThreadFollowing } from '../services/threads/thread-following.ts'
import { ThreadSubscriptions } from '../services/threads/thread-subscriptions.ts'
import type { Ground } from './ground.ts'
import { composeSearch } from './search.ts'

interface Rooms {
  liveRooms: LiveRooms
  append: Append
  past: Past
  partialRooms: PartialRooms
}

/** What readers keep for themselves. */
interface OwnData {
  ignoredUsers: IgnoredUsers
  threadFollowing: ThreadFollowing
  accountDataOf: AccountDataOf
  hidesInvite: InitialSyncDeps['hidesInvite']
}

/** Fifty reports at once, and two an hour in the long run: they are kept until the administrator has read them. */
const REPORTS_OF_ONE_USER = { burst: 50, perSecond: 1 / 1800 }

/** Reading rooms: what is shown to whom, and the endpoints that show it. */
export async function composeReading(
  config: Config,
  ground: Ground,
  { accounts }: { accounts: Accounts },
  { liveRooms, append, past, partialRooms }: Rooms,
  { ignoredUsers, accountDataOf, hidesInvite, threadFollowing: following }: OwnData,
) {
  const { db, clock, stream, hub, rateLimits, serverName } = ground
  const erasedUsers = await ErasedUsers.load(db)
  accounts.onDeactivated((userNid, erase) => {
    if (erase) erasedUsers.add(userNid)
  })
  const visibility = new Visibility({ db, serverName, erased: erasedUsers, ignoredUsers })
  const clientEvents = new ClientEvents({ db, clock, visibility, ignoredUsers })
  const access = new RoomAccess({
    db,
    rooms: liveRooms,
    visibility,
    untilWhole: (roomId) => partialRooms.untilWhole(roomId),
  })
  const reading: Reading = { db, access, visibility, clientEvents, past }
  const waits = new RoomWaits()
  append.onAppended(({ room }) => waits.notify(room.roomId))
  const initial = { reading, stream, accountDataOf, hidesInvite }
  const events = {
    reading,
    stream,
    waitForUser: hub.wait.bind(hub),
    waitForRoom: waits.wait.bind(waits),
  }
  return {
    visibility,
    clientEvents,
    ...composeSearch(config, ground, append, reading, erasedUsers),
    reports: new Reports({
      db,
      clock,
      reading,
      countReport: (reporter) => rateLimits.countKey(`report ${reporter}`, REPORTS_OF_ONE_USER),
    }),
    threadSubscriptions: new ThreadSubscriptions({ reading, following, stream }),
    reading: {
      listMessages: bind(listMessages, reading),
      getContext: bind(getContext, reading),
      getEvent: bind(getEvent, reading),
      getEventOfAnyRoom: bind(getEventOfAnyRoom, reading),
      listState: bind(listState, reading),
      getStateEvent: bind(getStateEvent, reading),
      listMembers: bind(listMembers, reading),
      listJoinedMembers: bind(listJoinedMembers, reading),
      listRelations: bind(listRelations, reading),
      listThreadRoots: bind(listThreadRoots, reading),
      eventNear: bind(eventNear, reading),
      initialSync: bind(initialSync, initial),
      roomInitialSync: bind(roomInitialSync, initial),
      nextEvents: bind(nextEvents, events),
    },
  }
}

const bind =
  <Deps, Args extends readonly unknown[], Result>(serve: (deps: Deps, ...args: Args) => Result, deps: Deps) =>
  (...args: Args): Result =>
    serve(deps, ...args)
