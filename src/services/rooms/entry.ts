import { crc32 } from 'node:zlib'
import type { RoomId } from '../../matrix/ids.ts'
import type { StoredEvent } from './stored-event.ts'

/**
 * A client's transaction id: repeated by the same device at the same path, it yields the same event. The spec (client-server
 * API, Transaction identifiers) scopes it to "a single HTTP endpoint", and knows a retransmission by "the path of the HTTP
 * request": this follows the latter, so that redacting two events under one id redacts both.
 */
export interface Txn {
  deviceNid: number
  /** Stands for the path in each message's row, where the text would be long. Two paths of one checksum count as one. */
  pathCrc: number
  txnId: string
}

/** The transaction of a request in a room; `path`: the rest of it after the room, without the id, in any API version. */
export const txnAt = (path: string, { deviceNid }: { deviceNid: number }, txnId: string): Txn => ({
  deviceNid,
  pathCrc: crc32(path),
  txnId,
})

/** In place of a device, for events that had to wait (MSC4140): their transaction ids are their `delay_id`s. */
export const DELAYED = -1

/** A transaction as the key of a map. */
export const txnKey = ({ deviceNid, pathCrc, txnId }: Txn): string => `${deviceNid} ${pathCrc} ${txnId}`

/** One entry of a state is set, replaced or taken away: at least one of the two is there. */
export interface StateEdit {
  event: StoredEvent | undefined
  replaces: StoredEvent | undefined
}

/** A state that need not be stored yet: a stored one (or none), or the one after an entry of the batch, and edits of it. */
export interface StateRef {
  on: number | Entry | undefined
  edits: readonly StateEdit[]
}

/** An event on its way into the tables. Its row says what it is: in the timeline, an outlier, rejected, soft-failed. */
export interface Entry {
  event: StoredEvent
  /** Stored already, or earlier in the batch. */
  authEvents: readonly StoredEvent[]
  /** The state before it; undefined where nobody knows it (outliers). */
  before: StateRef | undefined
  txn: Txn | undefined
  /** What it redacts. Without a target, because that one is not here, the redaction waits for it. */
  redacts: { eventId: string; target: StoredEvent | undefined } | undefined
  /** Stripped state for an invite or a knock, as JSON text. */
  strippedState: string | undefined
  /** We have to send it to the other servers in the room, all but the one that gave it to us. */
  outgoing?: { except?: string }
  /** A membership in a room that we are not in: what it rests on is not known, so its auth rank is 0. */
  isOutside?: boolean
  /** Stored before, as an outlier or rejected: only its standing changes. */
  isStored?: boolean
  /** Those of its prev_events that are not here. */
  missing?: readonly string[]
  /** It was judged again, and was in the timeline at this position (null: it was not). What stays there keeps its place. */
  rejudged?: { readonly wasAt: number | null }
}

/** Whether it was in the timeline before it was judged again, and still is. */
export const keepsPlace = ({ event, rejudged }: Entry): boolean =>
  event.isTimeline && typeof rejudged?.wasAt === 'number'

/** Whether we send it to the other servers in the room: our events, and the joins, leaves and knocks that others send through us. */
export const isSent = ({ event, outgoing }: Entry): boolean => outgoing !== undefined && event.isTimeline

/** How a batch begins, carries on or ends that a room is known without most of its members (MSC3902). */
export type PartialStep =
  /** The batch joins the room with its only entry; `servers`: who is said to be in it. */
  | { is: 'begun'; via: string; servers: readonly string[] }
  /** More of the state before the join is known. */
  | { is: 'grown'; beforeNid: number }
  /** All of it is, and everything since was judged again. */
  | { is: 'whole' }
  /** The join has come to nothing. */
  | { is: 'abandoned' }

/** What one transaction writes into one room. */
export interface Batch {
  /** `servers`: the servers in the room before the batch, and how many members of each are joined. */
  room: {
    nid: number
    roomId: RoomId
    servers: ReadonlyMap<string, number>
    /** Our join, while the members of the room are not known: all that is added is judged again when they are. */
    partialJoinNid?: number | undefined
  }
  /** In the order of their positions; what an entry refers to comes before it. */
  entries: readonly Entry[]
  /** The room's state afterwards, resolved over all forward extremities; undefined: as before. */
  state: StateRef | undefined
  /**
   * How the current state becomes that one, in order. A change has the position of the timeline entry that brings it
   * about; without one, a position of its own, or one in the past (`pos`): what was so then and is known only now.
   */
  changes: readonly { edit: StateEdit; at: Entry | undefined; pos?: number }[]
  extremities: { removed: readonly StoredEvent[]; added: readonly StoredEvent[] }
  /** What happened before the rest of the timeline: its positions are negative, and no `/sync` tells of it. */
  isHistory?: boolean
  /** Events that were missing and are here now. */
  filled?: readonly string[]
  /** Numbers of events from the time before we were in the room: they are stored anew, now that all is known of them. */
  superseded?: readonly number[]
  partial?: PartialStep
}

/** Positions of those of the entries that have a gap before them in the order of arrival. */
export const gapsIn = (entries: readonly Entry[]): number[] =>
  entries.flatMap((entry) => {
    const { event, missing } = entry
    return missing && missing.length > 0 && event.isTimeline && event.pos > 0 && !keepsPlace(entry) ? event.pos : []
  })
