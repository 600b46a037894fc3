import type { Config } from '../config/schema.ts'
import type { GuardedClient } from '../outbound/guarded-client.ts'
import type { InviteRules } from '../services/account-data/invite-rules.ts'
import type { UnreadCounts } from '../services/notifications/unread-counts.ts'
import type { Judge } from '../services/push-rules/judge.ts'
import type { Threads } from '../services/push-rules/threads.ts'
import { Badges } from '../services/pushers/badges.ts'
import { PushFeed } from '../services/pushers/push-feed.ts'
import { PushSender } from '../services/pushers/push-sender.ts'
import { PusherUsers } from '../services/pushers/pusher-users.ts'
import { Pushers } from '../services/pushers/pushers.ts'
import type { Receipts } from '../services/receipts.ts'
import type { Append } from '../services/rooms/append.ts'
import type { LiveRooms } from '../services/rooms/live-rooms.ts'
import type { UserRooms } from '../services/sync/user-rooms.ts'
import type { ThreadFollowing } from '../services/threads/thread-following.ts'
import type { Ground } from './ground.ts'

interface Sources {
  guardedClient: GuardedClient
  append: Append
  liveRooms: LiveRooms
  receipts: Receipts
  userRooms: UserRooms
  inviteRules: InviteRules
  threadFollowing: ThreadFollowing
  counting: { judge: Judge; threads: Threads; unread: UnreadCounts }
}

const SAVE_MS = 60_000

/** Push notifications: where they go, and sending them there. */
export function composePushers(
  config: Config,
  { db, clock, stream, log, metrics, lifetime, every }: Ground,
  { guardedClient, append, liveRooms: rooms, receipts, userRooms, inviteRules, threadFollowing, counting }: Sources,
) {
  const { judge, threads, unread } = counting
  const users = new PusherUsers()
  const badges = new Badges({ judge, unread, rooms, userRooms, stream })
  const countAccepted = metrics.counter('pushes_accepted_total', 'Notifications that push gateways have accepted')
  const pushSender = new PushSender({
    db,
    clock,
    client: guardedClient,
    rooms,
    receipts,
    threads,
    userRooms,
    inviteRules,
    badges,
    withContent: config.push.include_content,
    onAccepted: () => countAccepted(),
    onTrouble: (gateway, reason) => log.info({ gateway, reason }, 'a push gateway did not take a notification'),
    onCrash: (err) => log.error({ err }, 'sending push notifications failed'),
  })
  const pushFeed = new PushFeed({
    db,
    clock,
    stream,
    rooms,
    judge,
    users,
    badges,
    wake: (nids) => pushSender.wake(nids),
    onFailure: (err) => log.error({ err }, 'queueing push notifications failed'),
  })
  lifetime.add(pushSender)
  lifetime.add(pushFeed)
  metrics.gauge('pushers_served', 'Pushers that are being sent to, or waited for', () => pushSender.running)
  every(SAVE_MS, 'noting what was pushed', () => pushFeed.save())
  append.onAppended((appended) => pushFeed.onAppended(appended))
  receipts.onRead((userNid, roomNid) => pushFeed.onRecounted(userNid, roomNid))
  threadFollowing.onChanged((userNid, roomNid) => pushFeed.onRecounted(userNid, roomNid))
  const pushers = new Pushers({
    db,
    clock,
    stream,
    allowsPlainHttp: config.push.plain_http,
    onSet: (nid, owner) => {
      users.add(owner)
      pushSender.onSet(nid)
    },
  })
  return { pushers, pushFeed, pushSender }
}
