import type { Logger } from 'pino'
import { MatrixError } from '../../../matrix/errors.ts'
import type { Db } from '../../../storage/db.ts'
import { listJoinedGuests } from '../../../storage/rooms/memberships.ts'
import type { Append, Appended } from '../append.ts'
import type { LiveRoom } from '../live-room.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
  readonly log: Logger
}

/** Takes guests out of rooms that close to them (spec: client-server API, Guest access, Server behaviour). */
export class GuestAccess {
  readonly #deps: Deps
  readonly #running = new Set<Promise<void>>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  onAppended({ room, changes }: Appended): void {
    const change = changes.findLast(({ event, replaces }) => (event ?? replaces)?.type === 'm.room.guest_access')
    // Nobody is in a room yet that is only being made.
    if (!change?.replaces || change.event?.pdu.content.guest_access === 'can_join') return
    const run = this.#takeOut(room).catch((err: unknown) =>
      this.#deps.log.error({ err, roomId: room.roomId }, 'taking guests out of a room failed'),
    )
    this.#running.add(run)
    void run.finally(() => this.#running.delete(run))
  }

  /** Resolves when everybody is out who is being taken out now. */
  async close(): Promise<void> {
    await Promise.all(this.#running)
  }

  async #takeOut({ nid, roomId }: LiveRoom): Promise<void> {
    const guests = await listJoinedGuests(this.#deps.db, nid)
    await Promise.all(
      guests.map(async (guest) => {
        const draft = { type: 'm.room.member', sender: guest, stateKey: guest, content: { membership: 'leave' } }
        try {
          await this.#deps.append.send(roomId, { draft })
        } catch (error) {
          // The guest has left by now.
          if (!(error instanceof MatrixError)) throw error
        }
      }),
    )
  }
}
