import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import * as registrationTokens from '../../../storage/accounts/registration-tokens.ts'
import * as sessions from '../../../storage/accounts/uia.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import { newSecret } from '../token-text.ts'

export type { UiaMemory, UiaSession } from '../../../storage/accounts/uia.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  random(bytes: number): Uint8Array
  /** A session ends this long after it began. */
  readonly lifetimeMs: number
  /** How many sessions are kept, about; others give way. */
  readonly maxSessions: number
}

/** What a session begins with. */
export type Beginning = Pick<sessions.UiaSession, 'operation' | 'userNid' | 'completed' | 'memory'>

const SWEEP = 100

/** The sessions of user-interactive authentication: bounded in number and time, each for one operation of one user. */
export class UiaSessions {
  readonly #deps: Deps
  #made = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A session that has not ended; whoever knows its id may complete its stages. */
  async find(sessionId: string): Promise<sessions.UiaSession | undefined> {
    const { db, clock, lifetimeMs } = this.#deps
    const session = await sessions.findSession(db, sessionId)
    return session && session.createdTs + lifetimeMs > clock.now() ? session : undefined
  }

  /** Throws `M_UNAUTHORIZED` if it begins with a registration token that is not valid. */
  async begin(beginning: Beginning): Promise<sessions.UiaSession> {
    const { db, clock, random, maxSessions } = this.#deps
    const session = { ...beginning, sessionId: newSecret(random), createdTs: clock.now() }
    // Counting costs time in proportion to the sessions, so only every so often.
    const isSweep = ++this.#made % SWEEP === 0
    await transact(db, async (tx) => {
      await this.#reserve(tx, session.memory.token)
      await sessions.insertSession(tx, session)
      const excess = isSweep ? (await sessions.countSessions(tx)) - maxSessions : 0
      if (excess > 0) await release(tx, await sessions.deleteExcess(tx, excess))
    })
    return session
  }

  /** Adds a completed stage and what it told. Throws `M_UNAUTHORIZED` for a registration token that is not valid. */
  async advance(
    session: sessions.UiaSession,
    stage: string,
    learned: Partial<sessions.UiaMemory>,
  ): Promise<sessions.UiaSession> {
    const completed = [...session.completed, stage]
    const next = { ...session, completed, memory: { ...session.memory, ...learned } }
    await transact(this.#deps.db, async (tx) => {
      await this.#reserve(tx, learned.token)
      if (!(await sessions.updateSession(tx, session, next))) throw overtaken()
    })
    return next
  }

  /**
   * Part of the operation's own transaction: nobody else can finish with this session, and a registration token that it
   * reserved is used up. The `outcome` is found in the session's memory when the client repeats the request.
   */
  async finish(tx: Tx, session: sessions.UiaSession | undefined, outcome: string): Promise<void> {
    if (!session) return
    const { token, ...memory } = session.memory
    if (!(await sessions.updateOutcome(tx, session, { ...memory, outcome }))) throw overtaken()
    if (token !== undefined) await registrationTokens.completeUse(tx, token)
  }

  /** Like `finish`, for an operation that must not be repeated: doing it once more takes a new session. */
  async spend(tx: Tx, session: sessions.UiaSession | undefined): Promise<void> {
    if (session && !(await sessions.deleteSession(tx, session.sessionId))) throw overtaken()
  }

  /** Ends sessions whose time is over, and gives back the registration tokens that they held. */
  async expire(): Promise<void> {
    const { db, clock, lifetimeMs } = this.#deps
    const before = clock.now() - lifetimeMs
    for (let isFull = true; isFull; ) {
      isFull = await transact(db, async (tx) => {
        const ended = await sessions.deleteSessionsBefore(tx, before, SWEEP)
        await release(tx, ended)
        return ended.length === SWEEP
      })
    }
  }

  async #reserve(tx: Tx, token: string | undefined): Promise<void> {
    if (token === undefined || (await registrationTokens.reserveUse(tx, token, this.#deps.clock.now()))) return
    throw new MatrixError('M_UNAUTHORIZED', 'The registration token is not valid')
  }
}

const overtaken = () => forbidden('Another request went on with this session')

/** Gives back the registration tokens that ended sessions held. */
async function release(tx: Tx, ended: readonly sessions.UiaMemory[]): Promise<void> {
  for (const [token, uses] of Map.groupBy(ended, (memory) => memory.token)) {
    if (token !== undefined) await registrationTokens.releaseUses(tx, token, uses.length)
  }
}
