import { authorize } from '../../../room/auth/authorize.ts'
import { checkAuthEvents } from '../../../room/auth/check-auth-events.ts'
import { authTypesFor, type StateTuple } from '../../../room/auth-types.ts'
import type { Pdu, RoomEvent, StateLookup, Verdict } from '../../../room/event.ts'
import { stateKeyOf } from '../../../room/state-key.ts'
import type { RoomVersion } from '../../../room/versions.ts'

/** The create event of a room of version 12, which no event names, by the room's id. */
export const createEventId = (roomId: string): string => `$${roomId.slice(1)}`

/** What an event is judged by: its auth events and, since version 12, the create event. All of them are known. */
export type AuthEvents = ReadonlyMap<string, RoomEvent>

/** Step 4: whether its auth events are the right ones, and allow it. */
export function judgeByAuthEvents(event: RoomEvent, auth: AuthEvents, version: RoomVersion): Verdict {
  const byKey = new Map<string, RoomEvent>()
  for (const one of auth.values()) {
    if (typeof one.pdu.state_key === 'string') byKey.set(stateKeyOf(one.pdu.type, one.pdu.state_key), one)
  }
  return (
    checkAuthEvents(event, (id) => auth.get(id), version) ??
    authorize(event, (type, stateKey) => byKey.get(stateKeyOf(type, stateKey)), version)
  )
}

/** Steps 5 and 6: whether a state allows it. */
export const judgeByState = (event: RoomEvent, state: StateLookup, version: RoomVersion): Verdict =>
  authorize(event, state, version)

/** The entries of a state that judging the event asks for. */
export const placesFor = (pdu: Pdu, version: RoomVersion): StateTuple[] => [
  ['m.room.create', ''],
  ...authTypesFor(pdu, version),
]

/**
 * A state that does not have all members, with those that the auth events of an event to be judged show: who is not
 * known to be no member may be one (MSC3902). Once all members are known the event is judged again.
 */
export function withMembersIn(auth: AuthEvents, state: StateLookup): StateLookup {
  const members = new Map<string, RoomEvent>()
  for (const event of auth.values()) {
    const { type, state_key: userId } = event.pdu
    if (type === 'm.room.member' && userId !== undefined) members.set(userId, event)
  }
  return (type, stateKey) => state(type, stateKey) ?? (type === 'm.room.member' ? members.get(stateKey) : undefined)
}
