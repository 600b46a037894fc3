import type { UserId } from '../../matrix/ids.ts'
import { type FieldNews, listFieldChanges, listFieldsOfMembers } from '../../storage/accounts/profiles.ts'
import type { Db } from '../../storage/db.ts'
import type { Stream } from '../stream.ts'
import type { RoomChanges } from '../sync/room-changes.ts'
import type { RoomOfUser } from '../sync/user-rooms.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly changes: RoomChanges
}

export interface NewsQuery {
  readonly viewerNid: number
  /** Up to where the client knows the profiles of those in `rooms`; undefined: it knows none. */
  readonly after: number | undefined
  readonly upTo: number
  /** undefined: all. */
  readonly fields: readonly string[] | undefined
  /** Rooms that the viewer is in. */
  readonly rooms: readonly RoomOfUser[]
  /** Whether the client begins anew with a room: it is told of everybody there. */
  isNew(room: RoomOfUser): boolean
}

/** Of each user, the fields as JSON texts; null: the field was taken away. */
export type ProfileNewsOf = ReadonlyMap<UserId, ReadonlyMap<string, string | null>>

/**
 * What clients are told of the profiles of this server's users (MSC4429, MSC4262): what changes in those of whom the viewer
 * shares a room with, and the whole of those with whom the viewer newly does. Profiles of other servers' users stay there
 * until somebody looks: nobody tells this server when they change.
 */
export class ProfileNews {
  readonly #deps: Deps
  /** The position at which anybody's profile last changed; what was before this server started may be as new as that. */
  #newest: number

  constructor(deps: Deps) {
    this.#deps = deps
    this.#newest = deps.stream.current
  }

  /** A profile changed at this position. */
  note(pos: number): void {
    this.#newest = pos
  }

  async of({ viewerNid, after, upTo, fields, rooms, isNew }: NewsQuery): Promise<ProfileNewsOf> {
    const { db, changes } = this.#deps
    const news = new Map<UserId, Map<string, string | null>>()
    const add = (found: readonly FieldNews[]) => {
      for (const { user_id, field, value } of found) {
        const known = news.get(user_id) ?? new Map<string, string | null>()
        news.set(user_id, known.set(field, value))
      }
    }
    if (fields?.length === 0) return news
    const joined = rooms.filter(({ membership }) => membership === 'join')
    const [whole, known] = [joined.filter(isNew), joined.filter((room) => !isNew(room))].map((part) =>
      part.map(({ roomNid }) => roomNid),
    )
    add(await listFieldsOfMembers(db, whole ?? [], 0, fields))
    if (after === undefined) return news
    const moved = (known ?? []).filter((roomNid) => changes.mayHaveChangedState(roomNid, after))
    add(await listFieldsOfMembers(db, moved, after, fields))
    if (this.#newest > after) add(await listFieldChanges(db, viewerNid, after, upTo, fields))
    return news
  }
}
