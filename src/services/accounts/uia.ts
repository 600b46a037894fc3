import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { type Db, type Tx, transact } from '../../storage/db.ts'
import * as registrationTokens from '../../storage/registration-tokens.ts'
import * as sessions from '../../storage/uia.ts'
import type { Clock } from '../../util/clock.ts'
import type { Credentials } from './credentials.ts'
import type { Requester } from './sessions.ts'
import { newSecret } from './token-text.ts'
import { UiaChallenge } from './uia-challenge.ts'
import { type Stage, stages } from './uia-stages.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly credentials: Credentials
  random(bytes: number): Uint8Array
  /** A session ends this long after it began. */
  readonly lifetimeMs: number
  /** How many sessions are kept; the oldest give way. */
  readonly maxSessions: number
}

/** What a client wants to do, and how it has to prove itself. */
export interface UiaRequest {
  /** Names the operation and all of its input that the authorisation is for: a session serves nothing else. */
  readonly operation: string
  readonly requester?: Requester | undefined
  /** The `auth` of the request's body. */
  readonly auth: JsonObject | undefined
  /** The sequences of stages of which one must be completed. */
  readonly flows: readonly (readonly Stage[])[]
  readonly params?: JsonObject
}

/** Leave to do the operation. `session` is absent when one request said all there was to say. */
export interface Authorised {
  readonly session: sessions.UiaSession | undefined
  /** Whom the password stage proved the client to be. */
  readonly provedNid: number | undefined
}

const SWEEP = 100

/** User-interactive authentication (spec: client-server API, User-Interactive Authentication API). */
export class Uia {
  readonly #deps: Deps
  #made = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Returns once a flow is complete; until then throws the `UiaChallenge` that tells the client what to do next. */
  async authenticate(request: UiaRequest): Promise<Authorised> {
    const { auth, flows } = request
    const known = await this.#find(request)
    if (auth === undefined) throw new UiaChallenge(await this.#begin(request, [], {}))
    const { type } = auth
    const completed = known?.completed ?? []
    if (type === undefined || completed.some((stage) => stage === type)) {
      if (known && isComplete(flows, completed)) return authorised(known)
      throw new UiaChallenge(known ?? (await this.#begin(request, [], {})))
    }
    const stage = flows.flat().find((name) => name === type)
    if (stage === undefined) return this.#refuse(request, known, forbidden('That stage is in none of the flows'))
    const result = await stages[stage]({ auth, requester: request.requester, credentials: this.#deps.credentials })
    if ('failure' in result) return this.#refuse(request, known, result.failure)
    return this.#advance(request, known, [...completed, stage], result.learned)
  }

  /** Notes a stage that succeeded, and lets the operation pass if it was the last one. */
  async #advance(
    request: UiaRequest,
    known: sessions.UiaSession | undefined,
    completed: readonly string[],
    learned: Partial<sessions.UiaMemory>,
  ): Promise<Authorised> {
    const isDone = isComplete(request.flows, completed)
    if (isDone && !known && learned.token === undefined) return { session: undefined, provedNid: learned.provedNid }
    let next: sessions.UiaSession
    try {
      next = known ? await this.#update(known, completed, learned) : await this.#begin(request, completed, learned)
    } catch (error) {
      if (error instanceof MatrixError) return this.#refuse(request, known, error)
      throw error
    }
    if (isDone) return authorised(next)
    throw new UiaChallenge(next)
  }

  async #refuse(request: UiaRequest, known: sessions.UiaSession | undefined, failure: MatrixError): Promise<never> {
    throw new UiaChallenge(known ?? (await this.#begin(request, [], {})), failure)
  }

  /** The session that the request goes on with. One that has ended, or is for something else, counts as none. */
  async #find({ auth, operation, requester }: UiaRequest): Promise<sessions.UiaSession | undefined> {
    if (typeof auth?.session !== 'string') return undefined
    const session = await this.#current(auth.session)
    return session?.operation === operation && session.userNid === requester?.userNid ? session : undefined
  }

  async #current(sessionId: string): Promise<sessions.UiaSession | undefined> {
    const { db, clock, lifetimeMs } = this.#deps
    const session = await sessions.findSession(db, sessionId)
    return session && session.createdTs + lifetimeMs > clock.now() ? session : undefined
  }

  async #begin(
    { operation, requester, flows, params = {} }: UiaRequest,
    completed: readonly string[],
    learned: Partial<sessions.UiaMemory>,
  ): Promise<sessions.UiaSession> {
    const { db, clock, random, maxSessions } = this.#deps
    const session: sessions.UiaSession = {
      sessionId: newSecret(random),
      operation,
      userNid: requester?.userNid,
      completed,
      memory: { flows, params, ...learned },
      createdTs: clock.now(),
    }
    // Counting costs time in proportion to the sessions, so only every so often.
    const isSweep = ++this.#made % SWEEP === 0
    await transact(db, async (tx) => {
      if (learned.token !== undefined) await this.#reserve(tx, learned.token)
      await sessions.insertSession(tx, session)
      const excess = isSweep ? (await sessions.countSessions(tx)) - maxSessions : 0
      if (excess > 0) await release(tx, await sessions.deleteOldest(tx, excess))
    })
    return session
  }

  async #update(
    known: sessions.UiaSession,
    completed: readonly string[],
    learned: Partial<sessions.UiaMemory>,
  ): Promise<sessions.UiaSession> {
    const next = { ...known, completed, memory: { ...known.memory, ...learned } }
    await transact(this.#deps.db, async (tx) => {
      if (learned.token !== undefined) await this.#reserve(tx, learned.token)
      if (!(await sessions.updateSession(tx, known, next)))
        throw forbidden('Two requests went on with this session at once')
    })
    return next
  }

  async #reserve(tx: Tx, token: string): Promise<void> {
    const isReserved = await registrationTokens.reserveUse(tx, token, this.#deps.clock.now())
    if (!isReserved) throw new MatrixError('M_UNAUTHORIZED', 'The registration token is not valid')
  }

  /**
   * Part of the operation's own transaction: nobody else can finish with this session, and a registration token that it
   * reserved is used. The `outcome` is found again (`outcomeOf`) when the client repeats the request.
   */
  async finish(tx: Tx, { session }: Authorised, outcome: string): Promise<void> {
    if (!session) return
    const { token, ...memory } = session.memory
    if (!(await sessions.updateOutcome(tx, session, { ...memory, outcome }))) {
      throw forbidden('Another request finished with this session')
    }
    if (token !== undefined) await registrationTokens.completeUse(tx, token)
  }

  /** Like `finish`, for an operation that must not be repeated: doing it once more takes a new session. */
  async spend(tx: Tx, { session }: Authorised): Promise<void> {
    if (session && !(await sessions.deleteSession(tx, session.sessionId))) {
      throw forbidden('Another request finished with this session')
    }
  }

  // ---- for the pages that do a stage in a browser -------------------------------------------------------------------

  /** A session by its id alone; whoever has it may complete its stages. */
  find(sessionId: string): Promise<sessions.UiaSession | undefined> {
    return this.#current(sessionId)
  }

  /** Completes a stage of a session; returns why it failed, if it did. */
  async completeStage(session: sessions.UiaSession, stage: Stage, auth: JsonObject): Promise<MatrixError | undefined> {
    if (!session.memory.flows.flat().includes(stage)) return forbidden('That stage is in none of the flows')
    if (session.completed.includes(stage)) return undefined
    const result = await stages[stage]({ auth, requester: undefined, credentials: this.#deps.credentials })
    if ('failure' in result) return result.failure
    const { provedNid } = result.learned
    if (provedNid !== undefined && session.userNid !== undefined && provedNid !== session.userNid) {
      return forbidden('This is the password of another account')
    }
    try {
      await this.#update(session, [...session.completed, stage], result.learned)
      return undefined
    } catch (error) {
      if (error instanceof MatrixError) return error
      throw error
    }
  }

  /** Ends sessions that are over, and gives back the registration tokens that they held. */
  async expire(): Promise<void> {
    const { db, clock, lifetimeMs } = this.#deps
    const before = clock.now() - lifetimeMs
    for (let full = true; full; ) {
      full = await transact(db, async (tx) => {
        const ended = await sessions.deleteSessionsBefore(tx, before, SWEEP)
        await release(tx, ended)
        return ended.length === SWEEP
      })
    }
  }
}

const authorised = (session: sessions.UiaSession): Authorised => ({ session, provedNid: session.memory.provedNid })

const isComplete = (flows: readonly (readonly string[])[], completed: readonly string[]): boolean =>
  flows.some((flow) => flow.every((stage) => completed.includes(stage)))

/** Gives back the registration tokens that ended sessions held. */
async function release(tx: Tx, ended: readonly sessions.UiaMemory[]): Promise<void> {
  const held = Map.groupBy(ended, ({ token }) => token)
  for (const [token, uses] of held) {
    if (token !== undefined) await registrationTokens.releaseUses(tx, token, uses.length)
  }
}

/** What the body of a request has as `auth`. */
export const authOf = (value: unknown): JsonObject | undefined => (isObject(value) ? value : undefined)
