import { emailAddress } from '../../../matrix/email-address.ts'
import { invalidParam, MatrixError } from '../../../matrix/errors.ts'
import * as table from '../../../storage/accounts/email-validations.ts'
import { findEmailOwner } from '../../../storage/accounts/third-party-ids.ts'
import { type Db, type Tx, transact } from '../../../storage/db.ts'
import { deleteInPieces } from '../../../storage/expire.ts'
import type { Clock } from '../../../util/clock.ts'
import type { MailQueue } from '../../mail/mail-queue.ts'
import { addressTakenMail, confirmationMail, type Purpose } from '../../mail/mail-texts.ts'
import { hashToken, newSecret } from '../token-text.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly serverName: string
  readonly lifetimeMs: number
  /** Whether strangers are told that an address belongs to an account. */
  readonly revealsAddresses: boolean
  readonly queue: MailQueue
  random(bytes: number): Uint8Array
  /** Counts a mail to this address; throws `M_LIMIT_EXCEEDED` when there were too many. */
  countMail(address: string): void
  /** The address of the page that confirms it. */
  linkTo(query: URLSearchParams): string
}

/** What a client asks for (spec: POST /register/email/requestToken and its like). */
export interface ValidationRequest {
  readonly purpose: Purpose
  readonly address: string
  readonly clientSecret: string
  /** Only a higher number than before has the mail sent again. */
  readonly sendAttempt: number
}

/** An address that its owner has confirmed. */
export interface ProvenEmail {
  readonly sid: string
  readonly address: string
  readonly validatedTs: number
}

/** Has people confirm that a mail address is theirs, by a link that is sent there. */
export class EmailValidations {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Sends the mail and returns the session id. Whoever asks does not learn whether the address has an account: where it
   * has (or, for a password, has none) there is a session that nobody can confirm, and the owner alone is told.
   * Throws `M_INVALID_PARAM`; `M_THREEPID_IN_USE` or `M_THREEPID_NOT_FOUND` where that is no secret.
   */
  async request({ purpose, address: given, clientSecret, sendAttempt }: ValidationRequest): Promise<string> {
    const { db, clock, random, revealsAddresses, countMail } = this.#deps
    const address = emailAddress(given)
    if (address === undefined) throw invalidParam('This is no mail address')
    const isKnown = (await findEmailOwner(db, address)) !== undefined
    if (revealsAddresses && purpose === 'password' && !isKnown) throw unknownAddress()
    if (revealsAddresses && purpose !== 'password' && isKnown) throw addressInUse()
    const key = { secret_hash: hashToken(clientSecret), purpose, address }
    const before = await table.findSameValidation(db, key)
    if (before && before.send_attempt >= sendAttempt) return before.sid
    countMail(address)
    const sid = before?.sid ?? newSecret(random)
    const isMeant = isKnown === (purpose === 'password')
    const token = isMeant ? newSecret(random) : undefined
    await transact(db, async (tx) => {
      await table.upsertValidation(tx, {
        ...key,
        sid,
        token_hash: token === undefined ? null : hashToken(token),
        send_attempt: sendAttempt,
        validated_ts: before?.validated_ts ?? null,
        created_ts: clock.now(),
      })
      await this.#send(tx, { purpose, address, sid, clientSecret, token })
    })
    return sid
  }

  /** The link was followed. Throws `M_INVALID_PARAM` for one that is unknown or too old. */
  async confirm(sid: string, clientSecret: string, token: string): Promise<void> {
    const { db, clock } = this.#deps
    const known = await this.#find(sid, clientSecret)
    if (!known || known.token_hash !== hashToken(token)) throw invalidParam('This link is unknown or too old')
    await transact(db, (tx) => table.updateValidated(tx, sid, clock.now()))
  }

  /** The address that this session has confirmed for the purpose, not too long ago: another mail alone makes it no newer. */
  async proven(sid: string, clientSecret: string, purpose: Purpose): Promise<ProvenEmail | undefined> {
    const { clock, lifetimeMs } = this.#deps
    const known = await this.#find(sid, clientSecret)
    if (known?.purpose !== purpose || known.validated_ts === null) return undefined
    if (known.validated_ts + lifetimeMs <= clock.now()) return undefined
    return { sid, address: known.address, validatedTs: known.validated_ts }
  }

  /** Part of the transaction that a confirmed address was for: it serves once. */
  async spend(tx: Tx, sid: string): Promise<void> {
    if (!(await table.deleteValidation(tx, sid))) throw invalidParam('This confirmation was used before')
  }

  async expire(): Promise<void> {
    const { db, clock, lifetimeMs } = this.#deps
    await deleteInPieces(db, (tx, limit) => table.deleteValidationsBefore(tx, clock.now() - lifetimeMs, limit))
  }

  async #find(sid: string, clientSecret: string): Promise<table.EmailValidation | undefined> {
    const { db, clock, lifetimeMs } = this.#deps
    const known = await table.findValidation(db, sid)
    if (!known || known.secret_hash !== hashToken(clientSecret)) return undefined
    return known.created_ts + lifetimeMs > clock.now() ? known : undefined
  }

  async #send(
    tx: Tx,
    mail: Pick<ValidationRequest, 'purpose' | 'address' | 'clientSecret'> & { sid: string; token: string | undefined },
  ): Promise<void> {
    const { serverName, queue, linkTo } = this.#deps
    const { purpose, address: recipient, clientSecret, sid, token } = mail
    if (token !== undefined) {
      const link = linkTo(new URLSearchParams({ sid, client_secret: clientSecret, token }))
      await queue.add(tx, { recipient, ...confirmationMail(purpose, serverName, link) })
    } else if (purpose !== 'password') {
      await queue.add(tx, { recipient, ...addressTakenMail(serverName) })
    }
  }
}

export const addressInUse = () => new MatrixError('M_THREEPID_IN_USE', 'This address belongs to an account already')
const unknownAddress = () => new MatrixError('M_THREEPID_NOT_FOUND', 'No account has this address')
