import type { Config } from '../config/schema.ts'
import type { Sender } from '../federation/sending/sender.ts'
import type { RoomId } from '../matrix/ids.ts'
import { Outgoing } from '../services/federation/outgoing.ts'
import type { Presence } from '../services/presence/presence.ts'
import type { Receipts } from '../services/receipts.ts'
import type { Append } from '../services/rooms/append.ts'
import type { Typing } from '../services/typing.ts'
import { listServersOfUser } from '../storage/rooms/room-servers.ts'
import type { Ground } from './ground.ts'

interface Sources {
  append: Append
  isFrozen: (roomId: RoomId) => boolean
  typing: Typing
  receipts: Receipts
  presence: Presence
}

/** What other servers hear of us. */
export function composeOutgoing(
  config: Config,
  { db, clock, log, serverName }: Ground,
  sender: Sender,
  { append, isFrozen, typing, receipts, presence }: Sources,
): void {
  const outgoing = new Outgoing({
    sender,
    clock,
    serverName,
    isFrozen,
    serversOf: (userNid) => listServersOfUser(db, userNid),
    onFailure: (err) => log.error({ err }, 'telling other servers of presence failed'),
  })
  append.onAppended((appended) => outgoing.onAppended(appended))
  typing.onTyping((room, userId, isTyping) => outgoing.onTyping(room, userId, isTyping))
  receipts.onReceipt((room, receipt) => outgoing.onReceipt(room, receipt))
  if (config.federation.presence) {
    presence.onChanged(({ userId, userNid }, content) => outgoing.onPresence(userId, userNid, content))
  }
}
