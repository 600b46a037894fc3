import { isObject } from '../../../matrix/json.ts'
import type { StateLookup } from '../../../room/event.ts'
import type { EventSigner } from '../../../room/signing.ts'
import { pduText } from '../serve/event-texts.ts'
import { STRIPPED_TYPES } from '../state/stripped-state.ts'
import type { StoredEvent } from '../stored-event.ts'

/** What is taken of what another server says of its room. */
const MAX_EVENTS = 50
const MAX_TEXT = 64 * 1024

/** The state that tells somebody outside what a room is, as PDUs (spec: sendInviteV2, invite_room_state). */
export function strippedPdus(state: StateLookup<StoredEvent>, sender: string, signer: EventSigner): string[] {
  const shown = [...STRIPPED_TYPES.map((type) => state(type, '')), state('m.room.member', sender)]
  return shown.flatMap((event) => (event ? pduText(event, signer) : []))
}

/** What our user is told of what another server said of its room, as JSON text. Nothing of it has been checked. */
export function strippedTextOf(events: readonly unknown[]): string {
  const taken = events.slice(0, MAX_EVENTS).flatMap((event) => {
    if (!isObject(event)) return []
    const { type, sender, content, state_key: stateKey, origin_server_ts: ts } = event
    const isText = typeof type === 'string' && typeof sender === 'string' && typeof stateKey === 'string'
    if (!isText || !isObject(content)) return []
    // Of the create event a client may want to see all (MSC4311).
    return { type, sender, content, state_key: stateKey, ...(type === 'm.room.create' && { origin_server_ts: ts }) }
  })
  const text = JSON.stringify(taken)
  return text.length > MAX_TEXT ? '[]' : text
}
