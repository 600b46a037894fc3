import { isUserId, type RoomId, serverOf } from '../../../matrix/ids.ts'
import type { Db } from '../../../storage/db.ts'
import type { Append } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'
import type { LiveRooms } from '../live-rooms.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import { eventsOf } from '../receive/fetched.ts'
import type { Parsed } from '../receive/incoming.ts'
import { noteOutside } from './outside.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly rooms: LiveRooms
  readonly serverName: string
  readonly signatures: EventSignatures
}

/**
 * Events of a room that we are not in. Nobody here can judge them; but who invited one of ours may take that back, and
 * who knocks may be refused by anybody who says so: the worst that this lets a liar do is to end an offer.
 */
export async function receiveOutside(deps: Deps, roomId: RoomId, pdus: readonly unknown[]): Promise<void> {
  const { db, append, rooms, signatures } = deps
  const room = await rooms.find(roomId)
  if (!room) return
  const { version } = room
  for (const parsed of await eventsOf(room, pdus)) {
    if (!(await endsOffer(deps, room, parsed))) continue
    const [event] = await signatures.check([parsed], version)
    if (event !== undefined && typeof event !== 'string') {
      await noteOutside({ db, append }, { roomId, version, event })
    }
  }
}

async function endsOffer({ serverName }: Deps, room: LiveRoom, { pdu }: Parsed): Promise<boolean> {
  const { type, sender, state_key: target = '', content } = pdu
  const isEnd = type === 'm.room.member' && (content.membership === 'leave' || content.membership === 'ban')
  if (!isEnd || !isUserId(target) || serverOf(target) !== serverName) return false
  const member = await room.stateEvent('m.room.member', target)
  if (member?.membership === 'knock') return true
  return member?.membership === 'invite' && member.pdu.sender === sender
}
