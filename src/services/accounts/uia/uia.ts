import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Credentials } from '../credentials.ts'
import type { EmailProofs } from '../email/email-proofs.ts'
import type { Requester } from '../sessions/sessions.ts'
import { UiaChallenge } from './uia-challenge.ts'
import type { UiaMemory, UiaSession, UiaSessions } from './uia-sessions.ts'
import { type Stage, stages } from './uia-stages.ts'

interface Deps {
  readonly sessions: UiaSessions
  readonly credentials: Credentials
  readonly emailProofs: EmailProofs
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

/** Leave to do the operation. */
export interface Authorised {
  /** Absent when one request said all that there was to say. */
  readonly session: UiaSession | undefined
  /** Whom the password or mail stage proved the client to be. */
  readonly provedNid: number | undefined
  /** The address that the mail stage proved. */
  readonly email?: UiaMemory['email']
}

/** User-interactive authentication (spec: client-server API, User-Interactive Authentication API). */
export class Uia {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Returns once a flow is complete; until then throws the `UiaChallenge` that tells the client what to do next. A
   * session that has ended, or is for something else, counts as none. A stage that is complete is not done again.
   */
  async authenticate(request: UiaRequest): Promise<Authorised> {
    const { auth, flows, requester } = request
    // It has full control over its users, who have no password (spec: application service API, Device management).
    if (requester?.appservice) return { session: undefined, provedNid: undefined }
    const known = await this.#find(request)
    if (auth === undefined) throw new UiaChallenge(await this.#begin(request))
    const { type } = auth
    if (type === undefined || known?.completed.some((stage) => stage === type)) {
      if (known && isComplete(flows, known.completed)) return authorised(known)
      throw new UiaChallenge(known ?? (await this.#begin(request)))
    }
    const stage = flows.flat().find((name) => name === type)
    if (stage === undefined) throw await this.#refusal(request, known, notOffered())
    const result = await this.#attend(stage, request.operation, auth, request.requester)
    if ('failure' in result) throw await this.#refusal(request, known, result.failure)
    return this.#advance(request, known, stage, result.learned)
  }

  /** Completes a stage of a session in a browser, without an access token. Returns why it failed, if it did. */
  async completeStage(session: UiaSession, stage: Stage, auth: JsonObject): Promise<MatrixError | undefined> {
    if (!session.memory.flows.flat().includes(stage) || !hasPage(stage, session)) return notOffered()
    if (session.completed.includes(stage)) return undefined
    const result = await this.#attend(stage, session.operation, auth, undefined)
    if ('failure' in result) return result.failure
    const { provedNid } = result.learned
    if (provedNid !== undefined && session.userNid !== undefined && provedNid !== session.userNid) {
      return forbidden('This is the password of another account')
    }
    const advanced = await orRefusal(this.#deps.sessions.advance(session, stage, result.learned))
    return advanced instanceof MatrixError ? advanced : undefined
  }

  #attend(stage: Stage, operation: string, auth: JsonObject, requester: Requester | undefined) {
    const { credentials, emailProofs } = this.#deps
    return stages[stage]({ auth, requester, credentials, emailProofs, operation })
  }

  /** Notes a stage that succeeded, and lets the operation pass if it was the last one. */
  async #advance(
    request: UiaRequest,
    known: UiaSession | undefined,
    stage: Stage,
    learned: Partial<UiaMemory>,
  ): Promise<Authorised> {
    const isDone = isComplete(request.flows, [...(known?.completed ?? []), stage])
    // Where there is nothing to remember, one request without a session does. A stranger's password is not remembered: the
    // session would still pass when the password has been changed.
    const isToForget = known ? isStrangersPassword(stage, known) : learned.token === undefined
    if (isDone && isToForget) return authorisedAt(known, learned)
    const next = await orRefusal(
      known ? this.#deps.sessions.advance(known, stage, learned) : this.#begin(request, [stage], learned),
    )
    if (next instanceof MatrixError) throw await this.#refusal(request, known, next)
    if (isDone) return authorised(next)
    throw new UiaChallenge(next)
  }

  async #refusal(request: UiaRequest, known: UiaSession | undefined, failure: MatrixError): Promise<UiaChallenge> {
    return new UiaChallenge(known ?? (await this.#begin(request)), failure)
  }

  #begin(
    { operation, requester, flows, params = {} }: UiaRequest,
    completed: readonly string[] = [],
    learned: Partial<UiaMemory> = {},
  ): Promise<UiaSession> {
    const memory = { flows, params, ...learned }
    return this.#deps.sessions.begin({ operation, userNid: requester?.userNid, completed, memory })
  }

  async #find({ auth, operation, requester }: UiaRequest): Promise<UiaSession | undefined> {
    if (typeof auth?.session !== 'string') return undefined
    const session = await this.#deps.sessions.find(auth.session)
    return session?.operation === operation && session.userNid === requester?.userNid ? session : undefined
  }
}

/**
 * Whether a stage can be done on a page of the server: an address is confirmed on the page that its mail leads to, and a
 * password for somebody who is logged in. On another page, whoever has sent somebody there could go on with the session.
 */
export const hasPage = (stage: Stage, session: UiaSession): boolean =>
  stage !== 'm.login.email.identity' && !isStrangersPassword(stage, session)

const isStrangersPassword = (stage: Stage, { userNid }: UiaSession): boolean =>
  stage === 'm.login.password' && userNid === undefined

const authorised = (session: UiaSession): Authorised => authorisedAt(session, session.memory)

const authorisedAt = (session: UiaSession | undefined, { provedNid, email }: Partial<UiaMemory>): Authorised => ({
  session,
  provedNid,
  ...(email && { email }),
})

const isComplete = (flows: readonly (readonly string[])[], completed: readonly string[]): boolean =>
  flows.some((flow) => flow.every((stage) => completed.includes(stage)))

const notOffered = () => forbidden('That stage is in none of the flows')

/** A refusal becomes a value, for the challenge that tells it. */
const orRefusal = <T>(work: Promise<T>): Promise<T | MatrixError> =>
  work.catch((error: unknown) => {
    if (error instanceof MatrixError) return error
    throw error
  })
