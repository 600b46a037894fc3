import type { MatrixError } from '../../../matrix/errors.ts'
import type { UiaSession } from '../../../storage/accounts/uia.ts'

/** The 401 of user-interactive authentication: what the client still has to do. Thrown like an error. */
export class UiaChallenge extends Error {
  override readonly name = 'UiaChallenge'
  readonly #session: UiaSession
  readonly #failure: MatrixError | undefined

  /** @param failure why the last attempt on a stage did not succeed */
  constructor(session: UiaSession, failure?: MatrixError) {
    super('User-interactive authentication is not complete')
    this.#session = session
    this.#failure = failure
  }

  toJSON(): object {
    const { sessionId, completed, memory } = this.#session
    return {
      ...this.#failure?.toJSON(),
      session: sessionId,
      flows: memory.flows.map((stages) => ({ stages })),
      params: memory.params,
      completed,
    }
  }
}
