import { listErasedNids } from '../../../storage/accounts/accounts.ts'
import type { Db } from '../../../storage/db.ts'

/** The users who asked to be forgotten when they closed their account: few, so all of them stay in memory. */
export class ErasedUsers {
  readonly #nids: Set<number>

  private constructor(nids: Iterable<number>) {
    this.#nids = new Set(nids)
  }

  static async load(db: Db): Promise<ErasedUsers> {
    return new ErasedUsers(await listErasedNids(db))
  }

  /** Called after the account was deactivated with `erase`. */
  add(userNid: number): void {
    this.#nids.add(userNid)
  }

  /** How many they are. */
  get count(): number {
    return this.#nids.size
  }

  has(userNid: number): boolean {
    return this.#nids.has(userNid)
  }
}
