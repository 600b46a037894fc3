import { isRoomId, isUserId, type RoomId, serverOf, type UserId } from '../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { Edus } from '../edus.ts'
import type { Presence, RemotePresence } from '../presence/presence.ts'
import { PRESENCES } from '../presence/user-presence.ts'
import type { Receipts } from '../receipts.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { isAdmitted } from '../rooms/serve/peer-rooms.ts'
import type { Typing } from '../typing.ts'

interface Deps {
  readonly edus: Edus
  readonly rooms: LiveRooms
  readonly typing: Typing
  readonly receipts: Receipts
  readonly presence: Presence
  readonly now: () => number
  /** Whether nothing is taken into the room. */
  isFrozen(roomId: RoomId): boolean
  /** The number of a user of another server. */
  ownerOf(userId: UserId): Promise<Owner>
}

/** What one EDU may tell of. */
const MAX_ROOMS = 100
const MAX_USERS = 100
const MAX_STATUS = 1_000

/** Takes what other servers say their users are doing (spec: Typing notifications, Receipts, Presence). */
export function takeEdus(deps: Deps): void {
  deps.edus.on('m.typing', (origin, content) => takeTyping(deps, origin, content))
  deps.edus.on('m.receipt', (origin, content) => takeReceipts(deps, origin, content))
  deps.edus.on('m.presence', (origin, content) => takePresence(deps, origin, content))
}

async function takeTyping(deps: Deps, origin: string, content: JsonObject): Promise<void> {
  const { room_id: roomId, user_id: userId, typing } = content
  const room = await roomOf(deps, origin, roomId)
  if (room && (await isMember(room, origin, userId))) deps.typing.note(room, userId as UserId, typing === true)
}

async function takeReceipts(deps: Deps, origin: string, content: JsonObject): Promise<void> {
  for (const [roomId, ofRoom] of Object.entries(content).slice(0, MAX_ROOMS)) {
    const read = isObject(ofRoom) ? ofRoom['m.read'] : undefined
    const room = isObject(read) ? await roomOf(deps, origin, roomId) : undefined
    if (!room || !isObject(read)) continue
    for (const [userId, receipt] of Object.entries(read).slice(0, MAX_USERS)) {
      if (!isObject(receipt) || !(await isMember(room, origin, userId))) continue
      const { event_ids: ids, data } = receipt
      const [eventId] = Array.isArray(ids) ? ids : []
      if (!isShortText(eventId)) continue
      const { ts, thread_id: thread } = isObject(data) ? data : {}
      await deps.receipts.receive(await deps.ownerOf(userId as UserId), room, {
        eventId,
        thread: isShortText(thread) ? thread : '',
        ts: Number.isSafeInteger(ts) ? Number(ts) : deps.now(),
      })
    }
  }
}

async function takePresence(deps: Deps, origin: string, content: JsonObject): Promise<void> {
  if (!deps.presence.isEnabled) return
  const said: RemotePresence[] = []
  for (const one of Array.isArray(content.push) ? content.push.slice(0, MAX_USERS) : []) {
    if (!isObject(one)) continue
    const { user_id: userId, presence: word, status_msg: status, last_active_ago: ago } = one
    const presence = PRESENCES.find((state) => state === word)
    if (typeof userId !== 'string' || !isUserId(userId) || serverOf(userId) !== origin || !presence) continue
    const owner = await deps.ownerOf(userId)
    // Of users whom nobody here meets nothing is kept.
    if (!(await deps.presence.isMet(owner))) continue
    said.push({
      owner,
      presence,
      statusMsg: typeof status === 'string' ? status.slice(0, MAX_STATUS) : undefined,
      lastActiveTs: Number.isSafeInteger(ago) ? Math.max(0, deps.now() - Math.max(0, Number(ago))) : 0,
    })
  }
  if (said.length > 0) await deps.presence.receive(said)
}

/** Ids are opaque, but not longer than this; and NUL goes into no column. */
const isShortText = (id: unknown): id is string =>
  typeof id === 'string' && Buffer.byteLength(id) <= 255 && !id.includes('\u0000')

/** A room that we are in and that admits the server. */
async function roomOf({ rooms, isFrozen }: Deps, origin: string, roomId: unknown): Promise<LiveRoom | undefined> {
  if (typeof roomId !== 'string' || !isRoomId(roomId) || isFrozen(roomId)) return undefined
  const room = await rooms.find(roomId)
  return room && room.localJoined.size > 0 && (await isAdmitted(room, origin)) ? room : undefined
}

async function isMember(room: LiveRoom, origin: string, userId: unknown): Promise<boolean> {
  if (typeof userId !== 'string' || !isUserId(userId) || serverOf(userId) !== origin) return false
  const membership = await room.membershipOf(userId)
  // Of a room that was just joined not all members are known yet.
  return membership === 'join' || (membership === undefined && room.isPartial && room.servers.has(origin))
}
