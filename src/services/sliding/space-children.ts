import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { nameNids } from '../../storage/names.ts'
import { listCurrentStateOfTypes } from '../../storage/rooms/current-state.ts'
import { lruCache } from '../../util/lru.ts'
import type { Appended } from '../rooms/append.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import { StoredEvent } from '../rooms/stored-event.ts'
import { readChildLink, SPACE_CHILD } from '../spaces/child-link.ts'

const MAX_SPACES = 1_000

/** Which rooms spaces say that they have, directly. */
export class SpaceChildren {
  readonly #db: Db
  readonly #known = lruCache<number, ReadonlySet<string>>(MAX_SPACES)
  // Counts the changes, so that a slow read never overwrites what is newer.
  #version = 0

  constructor(db: Db) {
    this.#db = db
  }

  /** For `Append`: forgets what has changed. */
  onAppended({ room, events, changes }: Appended): void {
    const isConcerned =
      changes.some(({ event, replaces }) => (event ?? replaces)?.type === SPACE_CHILD) ||
      events.some((event) => event.type === 'm.room.redaction')
    if (!isConcerned) return
    this.#version++
    this.#known.delete(room.nid)
  }

  async of(space: LiveRoom): Promise<ReadonlySet<string>> {
    const known = this.#known.get(space.nid)
    if (known) return known
    const version = this.#version
    const typeNids = [...(await nameNids(this.#db, [SPACE_CHILD])).values()]
    const rows = await listCurrentStateOfTypes(this.#db, space.nid, typeNids)
    const events = rows.map((row) => new StoredEvent(row, space.roomId, space.version))
    const links = events.map(({ visible, row }) =>
      readChildLink({ ...(visible as unknown as JsonObject), origin_server_ts: row.ts }),
    )
    const children = new Set<string>(links.flatMap((link) => (link ? [link.roomId] : [])))
    if (version === this.#version) this.#known.set(space.nid, children)
    return children
  }
}
