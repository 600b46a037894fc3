import type { Driver } from 'kysely'
import type { Pool } from 'pg'
import { storageFailure } from '../failure.ts'
import { Names } from './names.ts'
import { Session } from './session.ts'

/** Hands out the connections of a pool. */
export class PostgresDriver implements Driver {
  readonly #pool: Pool
  readonly #names = new Names()

  constructor(pool: Pool) {
    this.#pool = pool
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<Session> {
    try {
      return new Session(await this.#pool.connect(), this.#names)
    } catch (error) {
      throw storageFailure(error)
    }
  }

  async beginTransaction(session: Session): Promise<void> {
    session.begin()
  }

  async commitTransaction({ transaction }: Session): Promise<void> {
    await transaction?.commit()
  }

  rollbackTransaction(session: Session): Promise<void> {
    return session.rollback()
  }

  async releaseConnection(session: Session): Promise<void> {
    session.release()
  }

  destroy(): Promise<void> {
    return this.#pool.end()
  }
}
