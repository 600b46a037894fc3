import { canonicalFlaw } from '../../../matrix/canonical-flaw.ts'
import { badJson, forbidden, tooLarge } from '../../../matrix/errors.ts'
import type { RoomId } from '../../../matrix/ids.ts'
import { authorize } from '../../../room/auth/authorize.ts'
import { authTypesFor } from '../../../room/auth-types.ts'
import type { Pdu, StateLookup } from '../../../room/event.ts'
import { checkFormat, MAX_EVENT_BYTES } from '../../../room/format.ts'
import { referenceHash, roomIdOf } from '../../../room/hashes.ts'
import { type EventSigner, type SignedEvent, signEvent, unsignedEvent } from '../../../room/signing.ts'
import { stateOwner } from '../../../room/state-owner.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import { EVENT_KIND } from '../../../storage/rooms/events.ts'
import type { Draft } from '../draft.ts'
import { StoredEvent } from '../stored-event.ts'

/** What a new event is built upon. */
export interface Foundation {
  /** A create event may name its room another way: see the event that is built. */
  roomId: RoomId
  version: RoomVersion
  /** Its prev_events. */
  previous: readonly StoredEvent[]
  /** The current state; `authTypesFor` says which entries are asked. */
  state: StateLookup<StoredEvent>
  /** Other servers get the event now: it has to be signed. */
  isShared: boolean
}

export interface Signer extends EventSigner {
  random(bytes: number): Uint8Array
}

export interface Built {
  event: StoredEvent
  authEvents: StoredEvent[]
}

/** What a signature adds to an event, at most. */
const MAX_SIGNATURE_BYTES = 1024

/**
 * Makes an event of a draft: prev_events, auth_events from the state, hashes, signature. Its row has no numbers yet. A
 * message that no other server gets now is signed when one asks for it (see `pduText`): the signature is a seventh of
 * what a message costs, and most rooms of an office never leave its server. Throws `M_BAD_JSON` for content that no event
 * of the version may have, `M_FORBIDDEN` when the room's rules refuse it, `M_TOO_LARGE` when it exceeds the size of an
 * event.
 */
export function buildEvent(draft: Draft, foundation: Foundation, now: number, signer: Signer): Built {
  const { version, isShared } = foundation
  const flaw = canonicalFlaw(draft.content, version.strictCanonicalJson)
  if (flaw !== undefined) throw badJson(flaw)
  if (version.ownedState && draft.stateKey?.startsWith('@') && stateOwner(draft.stateKey) === undefined) {
    throw badJson('The state key begins with no user id')
  }
  const { pdu, authEvents, depth } = assemble(draft, foundation, now, signer)
  const refused = authorize({ eventId: pdu.event_id ?? '', pdu }, foundation.state, version)
  if (refused !== undefined) throw forbidden(refused)
  const signed = seal(pdu, version, signer, isShared)
  const malformed = checkFormat(signed.pdu, version, { json: signed.json })
  if (malformed !== undefined) {
    throw Buffer.byteLength(signed.json) > MAX_EVENT_BYTES ? tooLarge(malformed) : badJson(malformed)
  }
  const row = newRow(signed, depth)
  const roomId = pdu.room_id === undefined ? roomIdOf(signed.pdu, version) : foundation.roomId
  return { event: new StoredEvent(row, roomId as RoomId, version, signed.pdu), authEvents }
}

function seal(pdu: Pdu, version: RoomVersion, { serverName, signingKey }: Signer, isShared: boolean): SignedEvent {
  if (!isShared && pdu.state_key === undefined) {
    const unsigned = unsignedEvent(pdu, version)
    // The size of an event is with its signatures: where that may decide, it is signed.
    if (Buffer.byteLength(unsigned.json) <= MAX_EVENT_BYTES - MAX_SIGNATURE_BYTES) return unsigned
  }
  return signEvent(pdu, version, serverName, signingKey)
}

function assemble(draft: Draft, { roomId, version, previous, state }: Foundation, now: number, signer: Signer) {
  const deepest = previous.reduce((most, event) => Math.max(most, event.row.depth), 0)
  const depth = Math.min(deepest + 1, Number.MAX_SAFE_INTEGER)
  const pdu: Pdu = {
    type: draft.type,
    sender: draft.sender,
    content: draft.content,
    depth,
    origin_server_ts: draft.ts ?? now,
    prev_events: previous.map((event) => referenceTo(event, version)),
    auth_events: [],
  }
  // The room of version 12 is named by its create event, which cannot name it.
  if (draft.type !== 'm.room.create' || !version.createHashRoomId) pdu.room_id = roomId
  if (draft.stateKey !== undefined) pdu.state_key = draft.stateKey
  if (draft.redacts !== undefined) {
    if (version.redactsInContent) pdu.content = { ...draft.content, redacts: draft.redacts }
    else pdu.redacts = draft.redacts
  }
  if (version.eventId === 'random') {
    pdu.event_id = `$${Buffer.from(signer.random(18)).toString('base64url')}:${signer.serverName}`
  }
  const authEvents: StoredEvent[] = []
  for (const [type, stateKey] of authTypesFor(pdu, version)) {
    const event = state(type, stateKey)
    if (event) authEvents.push(event)
  }
  pdu.auth_events = authEvents.map((event) => referenceTo(event, version))
  return { pdu, authEvents, depth }
}

/** How an event names another: by id, in versions 1 and 2 with its reference hash beside it. */
const referenceTo = (event: StoredEvent, version: RoomVersion): unknown =>
  version.eventId === 'random' ? [event.eventId, { sha256: referenceHash(event.pdu, version) }] : event.eventId

/** The row of a new timeline event; `persist` gives it its numbers. */
const newRow = ({ eventId, pdu, json }: SignedEvent, depth: number) => ({
  nid: 0,
  event_id: eventId,
  room_nid: 0,
  pos: null,
  depth,
  type_nid: 0,
  sender_nid: 0,
  key_nid: pdu.state_key === undefined ? null : 0,
  ts: pdu.origin_server_ts,
  kind: EVENT_KIND.timeline,
  auth: '[]',
  auth_rank: 0,
  state_nid: null,
  redacted_by_nid: null,
  reason: null,
  json,
})
