import { forbidden, MatrixError, missingParam } from '../../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import type { UiaMemory } from '../../../storage/accounts/uia.ts'
import type { Credentials } from '../credentials.ts'
import type { EmailProofs } from '../email/email-proofs.ts'
import { identifiedUser } from '../identifier.ts'
import type { Requester } from '../sessions/sessions.ts'

/** The stages of user-interactive authentication that this server knows. */
export type Stage =
  | 'm.login.dummy'
  | 'm.login.password'
  | 'm.login.registration_token'
  | 'm.login.terms'
  | 'm.login.email.identity'

export const stageNamed = (name: string): Stage | undefined => (isStage(name) ? name : undefined)

const isStage = (name: string): name is Stage => Object.hasOwn(stages, name)

/** What a stage that succeeded adds to the session's memory, or why it failed; the client may try again. */
export type StageResult = { readonly learned: Partial<UiaMemory> } | { readonly failure: MatrixError }

interface Attempt {
  readonly auth: JsonObject
  readonly requester: Requester | undefined
  readonly credentials: Credentials
  readonly emailProofs: EmailProofs
  /** What the client wants to do. */
  readonly operation: string
}

type Attend = (attempt: Attempt) => Promise<StageResult>

const PASSED: StageResult = { learned: {} }

/** What each stage asks of the client. The registration token itself is reserved when the session is stored. */
export const stages: Readonly<Record<Stage, Attend>> = {
  'm.login.dummy': async () => PASSED,
  'm.login.terms': async () => PASSED,
  'm.login.password': attendPassword,
  'm.login.email.identity': attendEmail,
  'm.login.registration_token': async ({ auth }) =>
    typeof auth.token === 'string'
      ? { learned: { token: auth.token } }
      : { failure: missingParam('A registration token is needed') },
}

/** Throws `M_FORBIDDEN` for anybody but the owner of the access token, whatever the password. */
async function attendPassword({ auth, requester, credentials }: Attempt): Promise<StageResult> {
  if (typeof auth.password !== 'string') return { failure: missingParam('A password is needed') }
  const typed = identifiedUser(auth) ?? requester?.userId
  if (typed === undefined) return { failure: missingParam('It takes an identifier to tell whose password this is') }
  if (requester && !(await credentials.means(typed, requester.userId))) {
    throw forbidden('Only the owner of the access token can confirm this')
  }
  const account = await credentials.check(requester?.userId ?? typed, auth.password)
  return account ? { learned: { provedNid: account.userNid } } : { failure: forbidden('Invalid user name or password') }
}

/** The client has the user confirm an address first, and names that session (spec: Email-based). */
async function attendEmail({ auth, requester, emailProofs, operation }: Attempt): Promise<StageResult> {
  const named = auth.threepid_creds ?? auth.threepidCreds
  if (!isObject(named) || typeof named.sid !== 'string' || typeof named.client_secret !== 'string') {
    return { failure: missingParam('The session of a confirmed address is needed') }
  }
  const proof = await emailProofs.find(operation, named.sid, named.client_secret)
  if (!proof) return { failure: new MatrixError('M_UNAUTHORIZED', 'The address has not been confirmed') }
  const { ownerNid: provedNid, ...email } = proof
  if (requester && provedNid !== requester.userNid) return { failure: forbidden('This address is not yours') }
  return { learned: { email, ...(provedNid !== undefined && { provedNid }) } }
}
