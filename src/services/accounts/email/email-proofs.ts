import { findEmailOwner } from '../../../storage/accounts/third-party-ids.ts'
import type { Db } from '../../../storage/db.ts'
import type { Purpose } from '../../mail/mail-texts.ts'
import type { EmailValidations, ProvenEmail } from './email-validations.ts'

interface Deps {
  readonly db: Db
  /** Undefined: this server sends no mail. */
  readonly validations: EmailValidations | undefined
}

/** What an address is confirmed for, by the operation that is to be authorised: nothing else. */
const PURPOSES: Readonly<Record<string, Purpose>> = {
  'client.register': 'register',
  'client.changePassword': 'password',
}

/** Confirmed addresses as a stage of user-interactive authentication. */
export class EmailProofs {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The address that was confirmed for the operation, and whose it is. */
  async find(
    operation: string,
    sid: string,
    clientSecret: string,
  ): Promise<(ProvenEmail & { ownerNid: number | undefined }) | undefined> {
    const { db, validations } = this.#deps
    const purpose = PURPOSES[operation]
    const email = purpose && (await validations?.proven(sid, clientSecret, purpose))
    if (!email) return undefined
    const ownerNid = await findEmailOwner(db, email.address)
    // A password is reset for whom the address belongs to; an account is made for whom it does not yet.
    return (ownerNid !== undefined) === (purpose === 'password') ? { ...email, ownerNid } : undefined
  }
}
