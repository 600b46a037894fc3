import { emailAddress } from '../../../matrix/email-address.ts'
import { invalidParam, MatrixError } from '../../../matrix/errors.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import * as table from '../../../storage/accounts/third-party-ids.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Requester } from '../sessions/sessions.ts'
import type { Uia } from '../uia/uia.ts'
import type { UiaSessions } from '../uia/uia-sessions.ts'
import { addressInUse, type EmailValidations, type ProvenEmail } from './email-validations.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly uia: Uia
  readonly uiaSessions: UiaSessions
  /** Undefined: this server sends no mail. */
  readonly validations: EmailValidations | undefined
}

/** The mail addresses of accounts (spec: client-server API, Account management: third-party identifiers). */
export class ThirdPartyIds {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether users can change them. */
  get areChangeable(): boolean {
    return this.#deps.validations !== undefined
  }

  list(userNid: number): Promise<table.ThirdPartyId[]> {
    return table.listThirdPartyIds(this.#deps.db, userNid)
  }

  /** What confirms addresses; throws `M_THREEPID_MEDIUM_NOT_SUPPORTED` where no mail is sent. */
  get validations(): EmailValidations {
    const { validations } = this.#deps
    if (!validations) throw new MatrixError('M_THREEPID_MEDIUM_NOT_SUPPORTED', 'This server sends no mail')
    return validations
  }

  /** Gives the account an address that its user has confirmed, and the account's password with it. */
  async add(requester: Requester, auth: JsonObject | undefined, sid: string, clientSecret: string): Promise<void> {
    const { db, uia, uiaSessions } = this.#deps
    const { validations } = this
    const operation = `client.add3PID ${sid}`
    const { session } = await uia.authenticate({ operation, requester, auth, flows: [['m.login.password']] })
    const email = await validations.proven(sid, clientSecret, 'add')
    if (!email) throw new MatrixError('M_THREEPID_AUTH_FAILED', 'The address has not been confirmed')
    await transact(db, async (tx) => {
      await uiaSessions.spend(tx, session)
      await this.claim(tx, requester.userNid, email)
    })
  }

  /**
   * Gives the account an address that whoever runs the server vouches for. Throws `M_INVALID_PARAM` and
   * `M_THREEPID_IN_USE`.
   */
  async vouch(userNid: number, text: string): Promise<void> {
    const { db, clock } = this.#deps
    const address = emailAddress(text)
    if (address === undefined) throw invalidParam('Not a mail address')
    const now = clock.now()
    const email = { address, validatedTs: now, addedTs: now }
    if (!(await transact(db, (tx) => table.insertEmail(tx, userNid, email)))) throw addressInUse()
  }

  /** Part of a transaction: a confirmed address becomes the account's. Throws `M_THREEPID_IN_USE`. */
  async claim(tx: Tx, userNid: number, { sid, address, validatedTs }: ProvenEmail): Promise<void> {
    await this.validations.spend(tx, sid)
    const addedTs = this.#deps.clock.now()
    if (!(await table.insertEmail(tx, userNid, { address, validatedTs, addedTs }))) throw addressInUse()
  }

  /** Removing one that is not there is no error. */
  async delete(userNid: number, medium: string, address: string): Promise<void> {
    const stored = medium === table.EMAIL ? emailAddress(address) : undefined
    if (stored === undefined) return
    await transact(this.#deps.db, (tx) => table.deleteThirdPartyId(tx, userNid, medium, stored))
  }
}
