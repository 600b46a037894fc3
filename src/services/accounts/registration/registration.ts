import { forbidden, MatrixError, missingParam } from '../../../matrix/errors.ts'
import { isUserId, type UserId, userIdOf } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import type { Accounts } from '../accounts.ts'
import type { Credentials } from '../credentials.ts'
import type { ThirdPartyIds } from '../email/third-party-ids.ts'
import type { Passwords } from '../passwords/passwords.ts'
import type { DeviceWish } from '../sessions/grants.ts'
import type { Opened, Sessions } from '../sessions/sessions.ts'
import { newLocalpart } from '../token-text.ts'
import type { Authorised, Uia } from '../uia/uia.ts'
import type { UiaSessions } from '../uia/uia-sessions.ts'
import type { Stage } from '../uia/uia-stages.ts'
import type { RegistrationTokens } from './registration-tokens.ts'

/** A document that whoever registers must accept. */
export interface Policy {
  readonly name: string
  readonly version: string
  readonly url: string
}

interface Deps {
  readonly serverName: string
  readonly mode: 'closed' | 'token' | 'open'
  readonly letsGuestsIn: boolean
  readonly policies: readonly Policy[]
  /** Whether whoever registers gives a mail address. */
  readonly email: 'off' | 'optional' | 'required'
  readonly thirdPartyIds: ThirdPartyIds
  readonly accounts: Accounts
  readonly credentials: Credentials
  readonly passwords: Passwords
  readonly sessions: Sessions
  readonly uia: Uia
  readonly uiaSessions: UiaSessions
  readonly registrationTokens: RegistrationTokens
  random(bytes: number): Uint8Array
}

export interface RegisterRequest {
  readonly auth: JsonObject | undefined
  /** Left out: the server finds a name. */
  readonly username: string | undefined
  readonly password: string | undefined
  readonly device: DeviceWish
  /** Makes the account only, without logging in. */
  readonly inhibitLogin: boolean
}

export interface Registered {
  readonly userId: UserId
  /** Absent when no login was wanted. */
  readonly login: Opened | undefined
}

/** Strangers making accounts for themselves (spec: client-server API, Account registration). */
export class Registration {
  readonly #deps: Deps
  readonly #flows: readonly (readonly Stage[])[]
  readonly #params: JsonObject

  constructor(deps: Deps) {
    this.#deps = deps
    const first: Stage[] = deps.mode === 'token' ? ['m.login.registration_token'] : []
    const terms: Stage[] = deps.policies.length > 0 ? ['m.login.terms'] : []
    const stages = [...first, ...terms]
    const withEmail: Stage[] = [...stages, 'm.login.email.identity']
    this.#flows = [
      ...(deps.email === 'required' ? [] : [stages.length > 0 ? stages : (['m.login.dummy'] as const)]),
      ...(deps.email === 'off' ? [] : [withEmail]),
    ]
    this.#params = deps.policies.length > 0 ? { 'm.login.terms': { policies: policiesOf(deps.policies) } } : {}
  }

  /** Registers a user. Throws the `UiaChallenge` until the client has completed a flow. */
  async register(request: RegisterRequest): Promise<Registered> {
    const { accounts, passwords, uia, uiaSessions, thirdPartyIds } = this.#deps
    this.#refuseIfClosed()
    const { auth, username, password } = request
    if (password !== undefined) passwords.check(password)
    const wanted = username === undefined ? undefined : accounts.idFor(username)
    // Said before anybody reads terms for nothing; a name can still be lost until the end.
    if (wanted !== undefined && auth === undefined) await accounts.checkAvailable(wanted)
    const authorised = await uia.authenticate({
      operation: 'client.register',
      auth,
      flows: this.#flows,
      params: this.#params,
    })
    if (password === undefined) throw missingParam('Missing password')
    const repeated = await this.#repeat(authorised, wanted, password, request)
    if (repeated) return repeated
    const userId = wanted ?? userIdOf(newLocalpart(this.#deps.random), this.#deps.serverName)
    await accounts.checkAvailable(userId)
    const passwordHash = await passwords.hash(password)
    const device = request.inhibitLogin ? {} : { device: request.device }
    const login = await accounts.create({ userId, passwordHash, ...device }, async (tx, userNid) => {
      await uiaSessions.finish(tx, authorised.session, userId)
      if (authorised.email) await thirdPartyIds.claim(tx, userNid, authorised.email)
    })
    return { userId, login }
  }

  /** A client that did not get the answer asks again: the account is there, and is logged in once more. */
  async #repeat(
    { session }: Authorised,
    wanted: UserId | undefined,
    password: string,
    { device, inhibitLogin }: RegisterRequest,
  ): Promise<Registered | undefined> {
    const userId = session?.memory.outcome
    if (userId === undefined || !isUserId(userId) || (wanted !== undefined && wanted !== userId)) return undefined
    const account = await this.#deps.credentials.check(userId, password)
    if (!account) return undefined
    return { userId, login: inhibitLogin ? undefined : await this.#deps.sessions.open(account.userNid, device) }
  }

  /** Makes a guest: no name, no password, no confirmation. */
  async registerGuest(displayName: string | undefined): Promise<Registered> {
    const { accounts, letsGuestsIn, random, serverName } = this.#deps
    if (!letsGuestsIn) throw forbidden('This server does not let guests in')
    const userId = userIdOf(newLocalpart(random), serverName)
    // Guests get a new device whatever they ask for (spec: registration, device_id).
    const login = await accounts.create({ userId, passwordHash: undefined, isGuest: true, device: { displayName } })
    return { userId, login }
  }

  /** Throws why nobody could register with this name; `M_FORBIDDEN` when nobody can register at all. */
  async checkAvailability(username: string): Promise<void> {
    this.#refuseIfClosed()
    const { accounts } = this.#deps
    await accounts.checkAvailable(accounts.idFor(username))
  }

  /** Throws `M_THREEPID_DENIED` where nobody registers with a mail address: no mail is sent for nothing. */
  checkTakesEmail(): void {
    this.#refuseIfClosed()
    if (this.#deps.email === 'off') throw new MatrixError('M_THREEPID_DENIED', 'Registration takes no mail address')
  }

  /** Throws `M_FORBIDDEN` where registration is not by token. */
  isTokenUsable(token: string): Promise<boolean> {
    if (this.#deps.mode !== 'token') throw forbidden('Registration does not work by tokens here')
    return this.#deps.registrationTokens.isUsable(token)
  }

  #refuseIfClosed(): void {
    if (this.#deps.mode === 'closed') throw new MatrixError('M_FORBIDDEN', 'Registration is closed on this server')
  }
}

/** Spec: Terms of service at registration, `m.login.terms_params`. The documents are not translated. */
const policiesOf = (policies: readonly Policy[]): JsonObject =>
  Object.fromEntries(policies.map(({ name, version, url }, i) => [`policy_${i + 1}`, { version, en: { name, url } }]))
