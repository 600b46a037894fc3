import type { StateLookup } from '../../../room/event.ts'
import type { StoredEvent } from '../stored-event.ts'

/** What someone who is invited or knocks is told of a room (spec: client-server API, Stripped state). */
export const STRIPPED_TYPES = [
  'm.room.create',
  'm.room.join_rules',
  'm.room.name',
  'm.room.topic',
  'm.room.avatar',
  'm.room.canonical_alias',
  'm.room.encryption',
] as const

/** That state as JSON text, with the member event of who invites or knocks. */
export function strippedStateText(state: StateLookup<StoredEvent>, sender: string): string {
  const shown = [...STRIPPED_TYPES.map((type) => state(type, '')), state('m.room.member', sender)]
  return JSON.stringify(shown.flatMap((event) => (event ? strippedEvent(event) : [])))
}

/** One event as the invited may see it. */
export const strippedEvent = ({ visible, row }: StoredEvent): Record<string, unknown> => ({
  type: visible.type,
  state_key: visible.state_key,
  content: visible.content,
  sender: visible.sender,
  // Of the create event a client is to have more (MSC4311).
  ...(visible.type === 'm.room.create' && { origin_server_ts: row.ts }),
})

/** The event that invites or knocks, with more than the others: clients show when that was (MSC4319). */
export const ownMemberEvent = (event: StoredEvent): Record<string, unknown> => ({
  ...strippedEvent(event),
  event_id: event.eventId,
  origin_server_ts: event.row.ts,
})
