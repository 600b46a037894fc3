import { notFound } from '../../matrix/errors.ts'
import type { RoomId } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import type { Db } from '../../storage/db.ts'
import { Turn } from '../../util/turn.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { LiveRooms } from '../rooms/live-rooms.ts'
import { childrenOf, previewOf } from './preview.ts'
import { mayServerPreview } from './preview-access.ts'

interface Deps {
  readonly db: Db
  readonly rooms: LiveRooms
}

/** Children that one answer describes; the others are named by the space alone. */
const MAX_DESCRIBED = 50

/** What other servers are told of a space (spec: server-server API, hierarchy). */
export class ServedHierarchy {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The space and those of its children that we are in. `M_NOT_FOUND` where no user of the server could see it. */
  async of(server: string, roomId: RoomId, suggestedOnly: boolean): Promise<JsonObject> {
    const { db } = this.#deps
    const room = await this.#own(roomId)
    const preview = room && (await previewOf(room))
    if (!preview || !(await mayServerPreview(db, server, preview, room))) throw notFound('No such room')
    const all = await childrenOf(db, room, preview)
    const links = suggestedOnly ? all.filter((link) => link.isSuggested) : all
    const children: JsonObject[] = []
    const inaccessible: string[] = []
    const turn = new Turn()
    for (const link of links.slice(0, MAX_DESCRIBED)) {
      const child = await this.#own(link.roomId)
      if (child) {
        const shown = await previewOf(child)
        if (await mayServerPreview(db, server, shown, child)) children.push(shown.entry)
        else inaccessible.push(link.roomId)
      }
      if (turn.isOver) await turn.give()
    }
    return {
      room: { ...preview.entry, children_state: links.map((link) => link.event) },
      children,
      inaccessible_children: inaccessible,
    }
  }

  async #own(roomId: string): Promise<LiveRoom | undefined> {
    const room = await this.#deps.rooms.find(roomId)
    return room && room.localJoined.size > 0 ? room : undefined
  }
}
