import { listNeighbours, listSharing } from '../../storage/accounts/user-directory.ts'
import type { Db } from '../../storage/db.ts'

/** Memberships that are looked at to know the viewer's neighbours at once; beyond that, each is asked for. */
const MAX_NEIGHBOURS = 20_000

/** Those with whom one user shares rooms, for the length of one search. */
export class Acquaintances {
  readonly #db: Db
  readonly #viewerNid: number
  readonly #neighbours: ReadonlySet<number>
  readonly #isComplete: boolean

  private constructor(db: Db, viewerNid: number, found: readonly number[]) {
    this.#db = db
    this.#viewerNid = viewerNid
    this.#neighbours = new Set(found)
    this.#isComplete = found.length < MAX_NEIGHBOURS
  }

  static async of(db: Db, viewerNid: number): Promise<Acquaintances> {
    return new Acquaintances(db, viewerNid, await listNeighbours(db, viewerNid, MAX_NEIGHBOURS))
  }

  /** The neighbours; of somebody in many large rooms, not all of them. */
  get neighbours(): ReadonlySet<number> {
    return this.#neighbours
  }

  /** Those of the users whom the viewer knows of. */
  async among(users: readonly { readonly userNid: number; readonly isOpen: boolean }[]): Promise<Set<number>> {
    const known = new Set<number>()
    const unsure: number[] = []
    for (const { userNid, isOpen } of users) {
      if (isOpen || this.#neighbours.has(userNid)) known.add(userNid)
      else if (!this.#isComplete) unsure.push(userNid)
    }
    for (const userNid of await listSharing(this.#db, this.#viewerNid, unsure)) known.add(userNid)
    return known
  }
}
