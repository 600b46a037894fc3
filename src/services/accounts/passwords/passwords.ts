import { Gate } from '../../gate.ts'
import { decoyHash, type HashMethod, hashPassword, isOutdated, verifyPassword } from './password-hash.ts'
import { checkPassword, type PasswordPolicy } from './password-policy.ts'

export interface Deps {
  readonly method: HashMethod
  readonly policy: PasswordPolicy
  /** How many passwords are hashed at once; each holds a thread, and with argon2id its memory. */
  readonly maxConcurrent: number
  /** How many more may wait for their turn before others are refused. */
  readonly maxWaiting: number
  random(bytes: number): Uint8Array
}

/** The same password whatever keyboard it came from: macOS may send a Hangul syllable as loose letters. */
const normalize = (password: string) => password.normalize('NFKC')

/** Hashes and checks passwords off the event loop, a few at a time. */
export class Passwords {
  readonly #deps: Deps
  readonly #gate: Gate
  #decoy: string | undefined

  constructor(deps: Deps) {
    this.#deps = deps
    this.#gate = new Gate(deps.maxConcurrent, deps.maxWaiting, 'Too many passwords are being checked at once')
  }

  /** Throws `M_WEAK_PASSWORD` for a password that the policy does not allow. */
  check(password: string): void {
    checkPassword(this.#deps.policy, normalize(password))
  }

  hash(password: string): Promise<string> {
    const { method, random } = this.#deps
    return this.#gate.run(() => hashPassword(method, normalize(password), random))
  }

  /** Takes as long without a stored hash as with one, so that the time tells nobody which accounts exist. */
  async verify(password: string, stored: string | undefined): Promise<boolean> {
    this.#decoy ??= decoyHash(this.#deps.method, this.#deps.random)
    const hash = stored ?? this.#decoy
    const matches = await this.#gate.run(() => verifyPassword(hash, normalize(password)))
    return matches && stored !== undefined
  }

  /** Whether a password that is at hand should be hashed anew. */
  isOutdated(stored: string): boolean {
    return isOutdated(this.#deps.method, stored)
  }
}
