import { type ExactNumber, isExactNumber } from '../matrix/exact-number.ts'
import type { JsonObject } from '../matrix/json.ts'
import { parseJson } from '../matrix/parse-json.ts'
import type { Signatures } from '../matrix/sign-json.ts'
import type { RoomVersion } from './versions.ts'

/**
 * A persistent event in federation format, exactly as it is hashed and signed (spec: server-server API, PDUs; rooms/).
 * `event_id` is present only in room versions 1 and 2; `room_id` is absent on the create event of version 12.
 * Nothing here is validated beyond `checkFormat`: read `content` with the lazy accessors.
 */
export interface Pdu {
  type: string
  sender: string
  room_id?: string
  state_key?: string
  content: JsonObject
  /** Ids; in versions 1 and 2 on the wire pairs `[id, {sha256}]`. Use `prevEventIds` and `authEventIds`. */
  prev_events: unknown[]
  auth_events: unknown[]
  /** Use `depthOf`: in versions 1 to 5 it may lie beyond 2^53. */
  depth: number | ExactNumber
  origin_server_ts: number
  hashes?: { sha256?: string }
  signatures?: Signatures
  unsigned?: JsonObject
  event_id?: string
  redacts?: string
  [key: string]: unknown
}

/** An event with its computed id, the unit that the room core works on. */
export interface RoomEvent {
  readonly eventId: string
  readonly pdu: Pdu
  /** Set once an accepted check has rejected it (auth rules 2.3: an event that refers to a rejected one is rejected). */
  readonly rejected?: boolean
}

/** Looks up a state event; synchronous, because the caller has loaded what the function needs. */
export type StateLookup<Event extends RoomEvent = RoomEvent> = (type: string, stateKey: string) => Event | undefined

/** Looks up an event by id among those that the caller has loaded. */
export type EventLookup = (eventId: string) => RoomEvent | undefined

/** `undefined` = allowed; a string = the reason, for the log. Rejecting an event is normal life, not an exception. */
export type Verdict = string | undefined

const idsOf = (refs: unknown[]): string[] => refs.map((ref) => (Array.isArray(ref) ? ref[0] : ref) as string)
/** What the event follows, in every version as ids; the form of the event has been checked. */
export const prevEventIds = (pdu: Pdu): string[] => idsOf(pdu.prev_events)
/** By which it was allowed, the same way. */
export const authEventIds = (pdu: Pdu): string[] => idsOf(pdu.auth_events)
export const isState = (pdu: Pdu): pdu is Pdu & { state_key: string } => typeof pdu.state_key === 'string'

/** Reads an event from its stored JSON. */
export const readPdu = (json: string, version: RoomVersion): Pdu =>
  (version.strictCanonicalJson ? JSON.parse(json) : parseJson(json)) as Pdu

/** Reads of it what is no number: in old versions those beyond 2^53 come out rounded. */
export const skimPdu = (json: string): Pdu => JSON.parse(json) as Pdu

/** The depth as a number that sorts: rounded where it is too large for one. */
export const depthOf = ({ depth }: Pdu): number =>
  isExactNumber(depth) ? Math.min(Number(depth.rawJSON), Number.MAX_SAFE_INTEGER) : depth
