import type { UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { listPusherUsers } from '../../storage/push/push-queue.ts'
import type { Owner } from '../account-data/account-data.ts'
import type { LiveRoom } from '../rooms/live-room.ts'
import type { StoredEvent } from '../rooms/stored-event.ts'

/**
 * The users who have pushers, so that nobody else costs anything. Whoever has lost the last one stays here until the
 * next start: events are judged for them in vain, and nothing is queued.
 */
export class PusherUsers {
  readonly #byId = new Map<UserId, Owner>()
  readonly #nids = new Set<number>()

  get size(): number {
    return this.#byId.size
  }

  async load(db: Db): Promise<void> {
    for (const row of await listPusherUsers(db)) this.add({ userId: row.user_id, userNid: row.user_nid })
  }

  add({ userId, userNid }: Owner): void {
    this.#byId.set(userId, { userId, userNid })
    this.#nids.add(userNid)
  }

  hasNid(userNid: number): boolean {
    return this.#nids.has(userNid)
  }

  find(userId: string): Owner | undefined {
    return this.#byId.get(userId as UserId)
  }

  /** Those among them whom the event may concern: the members of the room, and whom it invites. */
  concernedBy(room: LiveRoom, event: StoredEvent): Owner[] {
    const [fewer, isOther] =
      room.localJoined.size < this.#byId.size
        ? [room.localJoined, (id: UserId) => this.#byId.has(id)]
        : [this.#byId.keys(), (id: UserId) => room.localJoined.has(id)]
    const owners: Owner[] = []
    for (const userId of fewer) {
      const owner = isOther(userId) ? this.#byId.get(userId) : undefined
      if (owner) owners.push(owner)
    }
    const invited = event.type === 'm.room.member' && event.membership === 'invite' ? event.stateKey : undefined
    const owner = invited === undefined ? undefined : this.find(invited)
    if (owner && !room.localJoined.has(owner.userId)) owners.push(owner)
    return owners
  }
}
