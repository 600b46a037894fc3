import type { SentRoom } from './connection.ts'
import type { SlidingContext, WantedRoom } from './request.ts'

/** One room of an answer, before it is text. */
export interface RoomQuestion {
  readonly context: SlidingContext
  readonly wanted: WantedRoom
  /** What the client has of the room; undefined where it begins anew. */
  readonly sent: SentRoom | undefined
  /** Up to which position the client was told of the room. */
  readonly told: number
  /** Everything is told, and the client forgets what it had. */
  readonly isInitial: boolean
  /** The newest events are told again, because the client wants more of them than it had. */
  readonly isExpanded: boolean
  readonly isDm: boolean
}

/** What was told of a room. */
export interface RoomAnswer {
  /** The JSON text; undefined: there was nothing to tell. */
  readonly text: string | undefined
  readonly sent: SentRoom
  /** The timeline is told from anew, so that what belongs to its events is told again. */
  readonly isFresh: boolean
  readonly eventIds: readonly string[]
  /** The numbers of the member events that are loaded lazily. */
  readonly memberNids: readonly number[]
}
