import type { RoomEvent } from '../../room/event.ts'

/** Stripped state events as JSON text (spec: client-server API, Stripped state): type, state_key, content, sender. */
export const strippedStateText = (state: Iterable<RoomEvent | undefined>): string =>
  JSON.stringify([...state].filter((event) => event !== undefined).map(strippedEvent))

/** One event as the invited may see it. */
export const strippedEvent = ({ pdu }: RoomEvent): Record<string, unknown> => ({
  type: pdu.type,
  state_key: pdu.state_key,
  content: pdu.content,
  sender: pdu.sender,
})
