import type { UserId } from '../../matrix/ids.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import type { LongText } from '../../util/long-text.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Filter } from './filter.ts'
import type { RoomOfUser, RoomsOfUser } from './user-rooms.ts'

/** A place in the stream: `n` counts what only memory has. */
export interface Point {
  readonly pos: number
  readonly n: number
}

/** Up to where a client has got everything. */
export interface Since extends Point {
  /** Messages to its device only up to here, where more waited than one answer holds. */
  readonly messagesPos?: number | undefined
}

/** What a client asks for. */
export interface SyncRequest {
  readonly viewer: Viewer
  readonly filter: Filter
  /** Undefined: a first sync. */
  readonly since: Since | undefined
  readonly fullState: boolean
  /** The answer has the state at the end of the timeline (`state_after`), under this name. */
  readonly stateAfterName: 'state_after' | 'org.matrix.msc4222.state_after' | undefined
}

/** One attempt at an answer: what the request asks, as of one position. */
export interface SyncContext extends SyncRequest {
  /** Nothing beyond it is looked at. */
  readonly upTo: Point
  /** The user's rooms at that position. */
  readonly rooms: RoomsOfUser
  readonly ignored: ReadonlySet<UserId>
  /** Local time of this attempt, in milliseconds. */
  readonly now: number
}

/** What a section adds to the answer. */
export interface Contribution {
  /** Top-level fields as JSON text, without braces or commas around: `"to_device":{"events":[]}`. Empty: none. */
  readonly text: string | LongText
  /** Whether it is worth answering a long poll. */
  readonly isNews: boolean
  /** More messages to the device wait: this answer has those up to here. */
  readonly messagesPos?: number
}

/**
 * A part of the answer to `/sync`. Whatever it reports takes a position of the stream and is published by the hub, so
 * that it wakes who waits for it.
 */
export interface SyncSection {
  contribute(context: SyncContext): Awaitable<Contribution>
}

export const NOTHING_NEW = { text: '', isNews: false } as const satisfies Contribution

/** Whether the user was not joined yet (or not any more) at the token. */
export const isNewlyJoined = ({ since }: SyncRequest, room: RoomOfUser): boolean =>
  room.membership === 'join' && since !== undefined && room.sincePos > since.pos

/**
 * Whether the room is new to the client, so that it is given whole. To a client that wants all members it is also new
 * when all of them have become known since.
 */
export const isNewTo = (request: SyncRequest, mine: RoomOfUser, { wholePos }: LiveRoom): boolean =>
  isNewlyJoined(request, mine) ||
  (mine.membership === 'join' && !request.filter.lazyLoadMembers && wholePos > (request.since?.pos ?? wholePos))
