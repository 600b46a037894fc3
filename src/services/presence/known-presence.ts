import type { UserId } from '../../matrix/ids.ts'
import type { Db } from '../../storage/db.ts'
import { listPresenceBy, listPresenceOf, listPresent } from '../../storage/presence.ts'
import type { Awaitable } from '../../util/awaitable.ts'
import type { Owner } from '../account-data/account-data.ts'
import { storedPresence, type UserPresence, unknownPresence } from './user-presence.ts'

/**
 * What is known of users: of those who are there, or were since the start, in memory; of all who ever were, in the table.
 * (A server that 32,000 people had used took 15 MB more, before anybody came.)
 */
export class KnownPresence {
  readonly #db: Db
  readonly #users = new Map<UserId, UserPresence>()

  constructor(db: Db) {
    this.#db = db
  }

  /** Brings those to memory who were there when the server ended. */
  async loadPresent(): Promise<UserPresence[]> {
    const rows = await listPresent(this.#db)
    return rows.map((row) => this.#keep(storedPresence(row)))
  }

  /** A user of whom there is something new to know: memory keeps who it is from now on. */
  of(owner: Owner): Awaitable<UserPresence> {
    return (
      this.#users.get(owner.userId) ?? this.#load([owner]).then(() => this.#users.get(owner.userId) as UserPresence)
    )
  }

  /** The same for many. */
  async ofAll(owners: readonly Owner[]): Promise<UserPresence[]> {
    await this.#load(owners.filter(({ userId }) => !this.#users.has(userId)))
    return owners.map(({ userId }) => this.#users.get(userId) as UserPresence)
  }

  /** What there is to show of these users; those who never were there are left out. */
  find(userIds: readonly UserId[]): Awaitable<UserPresence[]> {
    const absent = userIds.filter((userId) => !this.#users.has(userId))
    return absent.length === 0 ? this.#shown(userIds, NOBODY) : this.#read(userIds, absent)
  }

  async #read(userIds: readonly UserId[], absent: readonly UserId[]): Promise<UserPresence[]> {
    const rows = await listPresenceBy(this.#db, absent)
    return this.#shown(userIds, new Map(rows.map((row) => [row.user_id, storedPresence(row)])))
  }

  #shown(userIds: readonly UserId[], stored: ReadonlyMap<UserId, UserPresence>): UserPresence[] {
    return userIds.flatMap((userId) => {
      const known = this.#users.get(userId) ?? stored.get(userId)
      return known && known.pos > 0 ? known : []
    })
  }

  async #load(owners: readonly Owner[]): Promise<void> {
    if (owners.length === 0) return
    const rows = await listPresenceOf(
      this.#db,
      owners.map(({ userNid }) => userNid),
    )
    const stored = new Map(rows.map((row) => [row.user_nid, storedPresence(row)]))
    for (const owner of owners) {
      // Others may have asked for the same user meanwhile, and gone on.
      if (!this.#users.has(owner.userId)) this.#keep(stored.get(owner.userNid) ?? unknownPresence(owner))
    }
  }

  #keep(known: UserPresence): UserPresence {
    this.#users.set(known.userId, known)
    return known
  }
}

const NOBODY: ReadonlyMap<UserId, UserPresence> = new Map()
