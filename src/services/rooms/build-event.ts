import { forbidden, MatrixError, tooLarge } from '../../matrix/errors.ts'
import type { SigningKey } from '../../matrix/signing-key.ts'
import { authorize } from '../../room/auth/authorize.ts'
import { authTypesFor } from '../../room/auth-types.ts'
import type { Pdu, StateLookup } from '../../room/event.ts'
import { checkFormat } from '../../room/format.ts'
import { referenceHash } from '../../room/hashes.ts'
import { signEvent } from '../../room/signing.ts'
import type { RoomVersion } from '../../room/versions.ts'
import type { Draft } from './draft.ts'
import type { StoredEvent } from './stored-event.ts'

/** What a new event is built upon. */
export interface Ground {
  /** Undefined for the create event of a room whose id is its hash. */
  roomId: string | undefined
  version: RoomVersion
  extremities: readonly StoredEvent[]
  /** The current state; `authTypesFor` says which entries are asked. */
  state: StateLookup
}

export interface Built {
  pdu: Pdu
  eventId: string
  json: string
  authEvents: StoredEvent[]
  depth: number
}

interface Signer {
  serverName: string
  key: SigningKey
  random(bytes: number): Uint8Array
}

const MAX_PREV_EVENTS = 10

/**
 * Makes a signed event of a draft: prev_events from the extremities, auth_events from the state, hashes, signature.
 * Throws `M_FORBIDDEN` when the room's rules refuse it, `M_TOO_LARGE` when it exceeds the limits of an event.
 */
export function buildEvent(draft: Draft, ground: Ground, now: number, signer: Signer): Built {
  const { version, extremities } = ground
  const prev = extremities.slice(0, MAX_PREV_EVENTS)
  const depth = extremities.reduce((deepest, event) => Math.max(deepest, event.row.depth), 0) + 1
  const pdu: Pdu = {
    type: draft.type,
    sender: draft.sender,
    content: draft.content,
    depth: Math.min(depth, Number.MAX_SAFE_INTEGER),
    origin_server_ts: draft.ts ?? now,
    prev_events: prev.map((event) => referenceTo(event, version)),
    auth_events: [],
  }
  if (ground.roomId !== undefined) pdu.room_id = ground.roomId
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
    const event = ground.state(type, stateKey) as StoredEvent | undefined
    if (event) authEvents.push(event)
  }
  pdu.auth_events = authEvents.map((event) => referenceTo(event, version))

  const refused = authorize({ eventId: pdu.event_id ?? '', pdu }, ground.state, version)
  if (refused !== undefined) throw forbidden(refused)
  const signed = signEvent(pdu, version, signer.serverName, signer.key)
  const malformed = checkFormat(signed.pdu, version)
  if (malformed !== undefined) {
    throw /large|bytes|long|size/i.test(malformed) ? tooLarge(malformed) : new MatrixError('M_BAD_JSON', malformed)
  }
  return { pdu: signed.pdu, eventId: signed.eventId, json: signed.json, authEvents, depth: pdu.depth }
}

/** How an event names another: by id, in versions 1 and 2 with its reference hash beside it. */
const referenceTo = (event: StoredEvent, version: RoomVersion): unknown =>
  version.eventId === 'random' ? [event.eventId, { sha256: referenceHash(event.pdu, version) }] : event.eventId
