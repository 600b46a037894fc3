import type { UserId } from '../../matrix/ids.ts'
import type { Viewer } from '../rooms/view/viewer.ts'
import type { Point } from '../sync/request.ts'
import type { RoomOfUser, RoomsOfUser } from '../sync/user-rooms.ts'
import type { RequiredState } from './required-state.ts'

/** Which names an answer uses: those of MSC4186 as it was accepted, or those that clients were written for before. */
export type Dialect = 'stable' | 'unstable'

/** What is told of a room that matches a rule. */
export interface RoomConfig {
  readonly timelineLimit: number
  readonly required: RequiredState
}

/** Which rooms a list is made of; what is left out filters nothing (MSC4186: SlidingRoomFilter). */
export interface RoomFilter {
  readonly isDm?: boolean | undefined
  readonly isEncrypted?: boolean | undefined
  readonly isInvited?: boolean | undefined
  readonly spaces?: readonly string[] | undefined
  readonly roomTypes?: readonly (string | null)[] | undefined
  readonly notRoomTypes?: readonly (string | null)[] | undefined
  readonly nameLike?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly notTags?: readonly string[] | undefined
}

export interface ListConfig extends RoomConfig {
  /** Inclusive, counted from 0; undefined: all rooms. */
  readonly ranges: readonly (readonly [first: number, last: number])[] | undefined
  readonly filter: RoomFilter | undefined
}

/** The rooms that an extension is asked about; `*` in a list stands for all. */
export interface Scope {
  readonly lists: readonly string[]
  readonly rooms: readonly string[]
}

/** Which fields of profiles of people in which rooms, and the answer's name for them (MSC4262). */
export interface ProfilesConfig {
  readonly name: string
  readonly scope: Scope
  /** undefined: all. */
  readonly fields: readonly string[] | undefined
}

/** The extensions that are asked for. */
export interface ExtensionConfigs {
  readonly toDevice?: { readonly limit: number; readonly since: number | undefined } | undefined
  readonly e2ee?: boolean | undefined
  readonly accountData?: Scope | undefined
  readonly receipts?: Scope | undefined
  readonly typing?: Scope | undefined
  readonly threadSubscriptions?: { readonly limit: number } | undefined
  readonly profiles?: ProfilesConfig | undefined
}

/** What a client asks for, whatever dialect it speaks. */
export interface SlidingRequest {
  readonly dialect: Dialect
  readonly connId: string
  readonly pos: string | undefined
  readonly timeoutMs: number
  readonly lists: ReadonlyMap<string, ListConfig>
  readonly subscriptions: ReadonlyMap<string, RoomConfig>
  readonly extensions: ExtensionConfigs
  /** The same for the same question: a repeated one is given the same answer. */
  readonly fingerprint: string
}

/** One attempt at an answer: what is asked, as of one position. */
export interface SlidingContext {
  readonly request: SlidingRequest
  readonly viewer: Viewer
  /** Where the client is; undefined: it has nothing yet. */
  readonly from: Point | undefined
  /** Nothing beyond it is looked at. */
  readonly upTo: Point
  /** The user's rooms at that position. */
  readonly rooms: RoomsOfUser
  readonly ignored: ReadonlySet<UserId>
  /** Local time, in milliseconds. */
  readonly now: number
}

/** A room that matches a rule of the request. */
export interface WantedRoom extends RoomConfig {
  readonly mine: RoomOfUser
  /** The lists in whose window it is. */
  readonly lists: readonly string[]
  readonly isSubscribed: boolean
}
