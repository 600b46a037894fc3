import { createHmac, timingSafeEqual } from 'node:crypto'
import { forbidden, MatrixError } from '../../../matrix/errors.ts'
import type { Clock } from '../../../util/clock.ts'
import type { Accounts } from '../accounts.ts'
import type { Passwords } from '../passwords/passwords.ts'
import { newSecret } from '../token-text.ts'
import type { Registered } from './registration.ts'

interface Deps {
  readonly clock: Clock
  readonly accounts: Accounts
  readonly passwords: Passwords
  /** Undefined: nobody can register this way. */
  readonly secret: string | undefined
  random(bytes: number): Uint8Array
}

export interface SharedSecretRequest {
  readonly nonce: string
  readonly username: string
  readonly password: string
  readonly displayName: string | undefined
  readonly isAdmin: boolean
  /** 'bot' or 'support', or a person. */
  readonly userType: string | undefined
  readonly inhibitLogin: boolean
  /** HMAC-SHA1 over the other fields, in hexadecimal. */
  readonly mac: string
}

const NONCE_LIFETIME_MS = 60_000
const MAX_NONCES = 1_000

/** Registration by programs that know a secret, the way Synapse's admin API has it (`/_synapse/admin/v1/register`). */
export class SharedSecret {
  readonly #deps: Deps
  /** When each nonce ends, oldest first. Memory only: whoever loses one asks for another. */
  readonly #nonces = new Map<string, number>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** A text to make the MAC with, good for one registration within a minute. */
  newNonce(): string {
    this.#secret()
    const { clock, random } = this.#deps
    for (const [nonce, end] of this.#nonces) {
      if (end > clock.now() && this.#nonces.size < MAX_NONCES) break
      this.#nonces.delete(nonce)
    }
    const nonce = newSecret(random)
    this.#nonces.set(nonce, clock.now() + NONCE_LIFETIME_MS)
    return nonce
  }

  async register(request: SharedSecretRequest): Promise<Registered> {
    const { accounts, passwords } = this.#deps
    const secret = this.#secret()
    this.#useNonce(request.nonce)
    if (!isSignedWith(secret, request)) throw forbidden('The MAC is not right')
    const { username, password, displayName, isAdmin, userType, inhibitLogin } = request
    const userId = accounts.idFor(username)
    passwords.check(password)
    await accounts.checkAvailable(userId)
    const login = await accounts.create({
      userId,
      passwordHash: await passwords.hash(password),
      isAdmin,
      userType,
      displayName,
      ...(!inhibitLogin && { device: {} }),
    })
    return { userId, login }
  }

  #secret(): string {
    const { secret } = this.#deps
    if (secret === undefined) throw new MatrixError('M_UNRECOGNIZED', 'There is no shared secret for registration')
    return secret
  }

  #useNonce(nonce: string): void {
    const end = this.#nonces.get(nonce)
    this.#nonces.delete(nonce)
    if (end === undefined || end <= this.#deps.clock.now()) {
      throw new MatrixError('M_UNKNOWN', 'Unknown nonce', { status: 400 })
    }
  }
}

/** The fields stand in this order, a NUL between two. None can hold one itself: no body may. */
function isSignedWith(secret: string, request: SharedSecretRequest): boolean {
  const { nonce, username, password, isAdmin, userType, mac } = request
  const fields = [nonce, username, password, isAdmin ? 'admin' : 'notadmin']
  if (userType !== undefined) fields.push(userType)
  const expected = createHmac('sha1', secret).update(fields.join('\0')).digest()
  const given = Buffer.from(mac, 'hex')
  return given.length === expected.length && timingSafeEqual(given, expected)
}
