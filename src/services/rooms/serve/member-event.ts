import { invalidParam } from '../../../matrix/errors.ts'
import { serverOf } from '../../../matrix/ids.ts'
import { roomIdOf } from '../../../room/hashes.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { EventSignatures } from '../receive/event-signatures.ts'
import { type Incoming, type Parsed, parseIncoming } from '../receive/incoming.ts'

/** What a membership event that another server sends by itself has to be. */
export interface Expected {
  readonly origin: string
  readonly roomId: string
  readonly version: RoomVersion
  /** As the path names it; undefined: not named. */
  readonly eventId: string | undefined
  readonly membership: 'join' | 'leave' | 'knock' | 'invite'
}

/** The event, if it has its form and is that membership; `M_INVALID_PARAM` otherwise. Its signatures are unchecked. */
export function parseMemberEvent(value: unknown, { origin, roomId, version, eventId, membership }: Expected): Parsed {
  const event = parseIncoming(value, version)
  if (typeof event === 'string') throw invalidParam(`Not an event of the room's version: ${event}`)
  const { pdu } = event
  if (roomIdOf(pdu, version) !== roomId) throw invalidParam('The event is of another room')
  if (eventId !== undefined && event.eventId !== eventId) throw invalidParam('The event has another id')
  if (pdu.type !== 'm.room.member' || pdu.content.membership !== membership) {
    throw invalidParam(`The event is not a membership of '${membership}'`)
  }
  if (typeof pdu.state_key !== 'string') throw invalidParam('The event has no state key')
  if (membership !== 'invite' && pdu.state_key !== pdu.sender) throw invalidParam('The event is about somebody else')
  if (serverOf(pdu.sender) !== origin) throw invalidParam('The sender of the event is not of your server')
  return event
}

/** The event, its signatures checked; `M_INVALID_PARAM` where one is missing or wrong. */
export async function requireSignatures(
  signatures: EventSignatures,
  event: Parsed,
  version: RoomVersion,
): Promise<Incoming> {
  const [checked] = await signatures.check([event], version)
  if (checked === undefined || typeof checked === 'string') throw invalidParam(checked ?? 'The event is not signed')
  return checked
}
