import type { Config } from '../config/schema.ts'
import { MovedRooms } from '../services/account-data/moved-rooms.ts'
import type { EncryptionSection } from '../services/keys/encryption-section.ts'
import { Notifications } from '../services/notifications/notifications.ts'
import { UnreadCounts } from '../services/notifications/unread-counts.ts'
import { Presence } from '../services/presence/presence.ts'
import { ProfileNews } from '../services/profiles/profile-news.ts'
import type { Profiles } from '../services/profiles/profiles.ts'
import { Judge } from '../services/push-rules/judge.ts'
import { PushEvents } from '../services/push-rules/push-events.ts'
import { Threads } from '../services/push-rules/threads.ts'
import { Receipts } from '../services/receipts.ts'
import type { Append } from '../services/rooms/append.ts'
import type { RoomUpgrades } from '../services/rooms/create/upgrade.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { ClientEvents } from '../services/rooms/view/client-events.ts'
import type { Visibility } from '../services/rooms/view/visibility.ts'
import { AccountDataSection } from '../services/sync/account-data-section.ts'
import { PresenceSection } from '../services/sync/presence-section.ts'
import { ProfilesSection } from '../services/sync/profiles-section.ts'
import { RoomChanges } from '../services/sync/room-changes.ts'
import { RoomsSection } from '../services/sync/rooms-section.ts'
import { SentMembers } from '../services/sync/sent-members.ts'
import { StateReader } from '../services/sync/state-reader.ts'
import { Sync } from '../services/sync/sync.ts'
import { UserNews } from '../services/sync/user-news.ts'
import { Typing } from '../services/typing.ts'
import { nameNids } from '../storage/names.ts'
import { Slots } from '../util/slots.ts'
import type { Ground } from './ground.ts'
import type { composeOwnData } from './own-data.ts'

interface Parts {
  liveRooms: LiveRooms
  append: Append
  roomUpgrades: RoomUpgrades
  visibility: Visibility
  clientEvents: ClientEvents
  encryptionSection: EncryptionSection
  profiles: Profiles
}

const PRESENCE_SWEEP_MS = 1_000
/**
 * How many long answers are composed at a time. A first sync of hundreds of rooms weighs megabytes: a whole office that
 * comes back at once would otherwise exhaust the memory (200 such clients needed over 600 MiB), and nobody would have
 * an answer sooner.
 */
const MAX_LONG_ANSWERS = 8

/** `/sync` and what it alone tells: typing, receipts, presence, unread notifications. */
export function composeSync(
  config: Config,
  { db, clock, stream, hub, log, lifetime, every }: Ground,
  own: ReturnType<typeof composeOwnData>,
  { liveRooms: rooms, append, roomUpgrades, visibility, clientEvents, encryptionSection, profiles }: Parts,
) {
  const { accountData, userRooms, pushRules, ignoredUsers, inviteRules, filters, threadFollowing: following } = own
  const movedRooms = new MovedRooms({
    pushRules,
    tags: own.tags,
    userNidsOf: (userIds) => nameNids(db, userIds),
    onFailure: (err) => log.error({ err }, 'moving push rules and tags to a new room failed'),
  })
  lifetime.add(movedRooms)
  roomUpgrades.onReplaced((old, replacement, users) => movedRooms.onReplaced(old, replacement, users))
  const typing = new Typing({ clock, rooms, hub, stream })
  lifetime.add(typing)
  const receipts = new Receipts({ db, clock, stream, hub, rooms, accountData, visibility })
  const presence = new Presence({ db, clock, stream, hub, enabled: config.presence.enabled })
  lifetime.add({ start: () => presence.start() })
  every(PRESENCE_SWEEP_MS, 'telling who came and who left', () => presence.sweep())
  const judge = new Judge({ pushRules, pushEvents: new PushEvents(), following, ignoredUsers })
  const threads = new Threads(db)
  const unread = new UnreadCounts({ judge, threads, receipts, following })
  const changes = new RoomChanges({ db, stream, receipts: receipts.changes })
  const state = new StateReader(db)
  const sentMembers = new SentMembers()
  const presenceSection = new PresenceSection({ presence, rooms })
  for (const listener of [userRooms, changes, presenceSection, typing, unread]) {
    append.onAppended((appended) => listener.onAppended(appended))
  }
  const roomsSection = new RoomsSection({
    db,
    visibility,
    clientEvents,
    state,
    changes,
    sentMembers,
    typing,
    receipts,
    unread,
    rooms,
    accountData,
    inviteRules,
  })
  const longAnswers = new Slots(MAX_LONG_ANSWERS)
  const news = new UserNews({ hub, stream, typing })
  const profileNews = new ProfileNews({ db, stream, changes })
  profiles.onChanged((pos) => profileNews.note(pos))
  const sections = [
    new AccountDataSection({ accountData, pushRules }),
    new ProfilesSection(profileNews),
    presenceSection,
    roomsSection,
    encryptionSection,
  ]
  return {
    typing,
    receipts,
    presence,
    /** What is a notification, and how many there are: push asks the same. */
    counting: { judge, threads, unread },
    notifications: new Notifications({ judge, threads, receipts, rooms, userRooms, clientEvents, stream }),
    /** What sliding sync shares. */
    syncParts: { news, profileNews, changes, state, sentMembers, longAnswers },
    sync: new Sync({ clock, stream, news, filters, typing, ignoredUsers, userRooms, sections, longAnswers }),
  }
}
