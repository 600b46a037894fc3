import type { Json, JsonObject } from '../../matrix/json.ts'
import type { GuardedClient } from '../../outbound/guarded-client.ts'
import { type Db, transact } from '../../storage/db.ts'
import * as queue from '../../storage/push/push-queue.ts'
import { deletePusher } from '../../storage/push/pushers.ts'
import { backoffMs } from '../../util/backoff.ts'
import type { Clock } from '../../util/clock.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { InviteRules } from '../account-data/invite-rules.ts'
import type { Threads } from '../push-rules/threads.ts'
import type { Receipts } from '../receipts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import type { UserRooms } from '../sync/user-rooms.ts'
import type { Badges } from './badges.ts'
import { notifyGateway } from './gateway.ts'
import { countNotification, eventNotification } from './notification.ts'

export interface ServeDeps {
  readonly db: Db
  readonly clock: Clock
  readonly client: GuardedClient
  readonly rooms: LiveRooms
  readonly receipts: Receipts
  readonly threads: Threads
  readonly userRooms: UserRooms
  readonly inviteRules: InviteRules
  readonly badges: Badges
  /** Whether gateways are told what was written. */
  readonly withContent: boolean
  readonly stop: AbortSignal
  /** Told of notifications that a gateway has accepted. */
  onAccepted(): void
  /** Told when a gateway begins to fail, whatever the reason, and of each notification that it will never take. */
  onTrouble(gateway: string, reason: string): void
}

const FIRST_PAUSE_MS = 2_000
const LONGEST_PAUSE_MS = 3_600_000
/** What waits longer for a gateway is no news any more. */
const STALE_MS = 24 * 3_600_000
/** Events that wait for a gateway that is away: who comes back wants the newest, not hundreds. */
const MAX_WAITING = 100

/**
 * Brings one thing to a pusher's gateway: the oldest event that waits, or a count that has changed. Returns how long to
 * wait before the next one (0: none), or undefined when nothing waits. An event leaves the queue only once the gateway
 * has answered. If the process is killed between that answer and the commit it is sent again, with the same event id,
 * by which gateways know it.
 */
export async function serveOnce(deps: ServeDeps, nid: number): Promise<number | undefined> {
  const { db, clock } = deps
  const pusher = await queue.findServedPusher(db, nid)
  if (!pusher) return undefined
  if (pusher.enabled === 0) {
    await transact(db, (tx) => queue.clearQueue(tx, nid))
    return undefined
  }
  const waiting = await queue.findQueuedPush(db, nid)
  if (!waiting && pusher.badge_due === 0) return undefined
  if (pusher.retry_at > clock.now()) return pusher.retry_at - clock.now()
  const owner = { userId: pusher.user_id, userNid: pusher.user_nid }
  if (!waiting) {
    const unread = await deps.badges.of(owner)
    if (unread === pusher.badge) await transact(db, (tx) => queue.updateAccepted(tx, nid, unread, pusher.badge_due))
    else await deliver(deps, pusher, countNotification(pusher, unread), unread)
    return 0
  }
  const room = await deps.rooms.find(waiting.room_id)
  const event = room && new StoredEvent(waiting, room.roomId, room.version)
  if (!room || !event || !(await isNews(deps, owner, room, event))) {
    await transact(db, (tx) => queue.deleteQueuedPush(tx, nid, waiting.nid))
    return 0
  }
  const unread = await deps.badges.of(owner)
  const actions = JSON.parse(waiting.actions) as Json[]
  const notification = await eventNotification(pusher, room, event, actions, unread, deps.withContent)
  await deliver(deps, pusher, notification, unread, event)
  return 0
}

/**
 * Whether the user still wants to know: has not read it, is still there, and it has not been redacted. Of what was said
 * before they came they may know nothing: such an event is queued when they came before it was looked at.
 */
async function isNews(
  { receipts, threads, userRooms, inviteRules, clock }: ServeDeps,
  owner: Owner,
  room: LiveRoom,
  event: StoredEvent,
): Promise<boolean> {
  if (event.isRedacted || clock.now() - event.row.ts > STALE_MS) return false
  const mine = (await userRooms.of(owner)).get(room.roomId)
  if (mine?.membership === 'invite') {
    return event.stateKey === owner.userId && !(await inviteRules.hides(owner.userId, event.sender))
  }
  if (mine?.membership !== 'join') return false
  const marks = await receipts.marksIn(owner.userNid, room.nid)
  const readUpTo = Math.max(marks.everywhere, marks.threads.get(await threads.of(room, event)) ?? 0)
  return event.pos > Math.max(mine.sincePos, readUpTo)
}

/** Where a pusher's notifications go. */
export const gatewayOf = ({ data }: queue.ServedPusher): URL => new URL((JSON.parse(data) as { url: string }).url)

async function deliver(
  { db, clock, client, stop, onAccepted, onTrouble }: ServeDeps,
  pusher: queue.ServedPusher,
  notification: JsonObject,
  unread: number,
  event?: StoredEvent,
): Promise<void> {
  const { nid, pushkey } = pusher
  const gateway = gatewayOf(pusher)
  const verdict = await notifyGateway(client, gateway, notification, pushkey, stop).catch((error: unknown) => {
    if (pusher.failures === 0 && !stop.aborted) onTrouble(gateway.host, String(error))
    return 'unknown' as const
  })
  if (verdict === 'refused') onTrouble(gateway.host, 'The push gateway refused the notification')
  if (verdict === 'unknown' && stop.aborted) return
  await transact(db, async (tx) => {
    if (verdict === 'rejected') return deletePusher(tx, pusher.user_nid, pusher.app_id, pushkey)
    if (verdict === 'unknown') {
      const pause = backoffMs(pusher.failures + 1, FIRST_PAUSE_MS, LONGEST_PAUSE_MS)
      await queue.updateFailed(tx, nid, pusher.failures + 1, clock.now() + pause)
      return queue.trimQueue(tx, nid, MAX_WAITING)
    }
    if (event) await queue.deleteQueuedPush(tx, nid, event.nid)
    // Refused: the gateway does not show this count, but asking again would not change that.
    await queue.updateAccepted(tx, nid, verdict === 'accepted' ? unread : pusher.badge, pusher.badge_due)
  })
  if (verdict === 'accepted') onAccepted()
}
