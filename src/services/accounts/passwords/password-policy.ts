import { invalidParam, MatrixError } from '../../../matrix/errors.ts'

/** What a new password must be like. */
export interface PasswordPolicy {
  readonly minLength: number
  readonly requireDigit: boolean
  readonly requireLowercase: boolean
  readonly requireUppercase: boolean
  readonly requireSymbol: boolean
}

const MAX_LENGTH = 512

/** Throws `M_WEAK_PASSWORD` with the first thing that is missing. Lengths count characters, not bytes. */
export function checkPassword(policy: PasswordPolicy, password: string): void {
  const length = [...password].length
  if (length > MAX_LENGTH) throw invalidParam(`The password is longer than ${MAX_LENGTH} characters`)
  if (length < policy.minLength) throw weak(`The password needs at least ${policy.minLength} characters`)
  if (policy.requireDigit && !/\p{Nd}/u.test(password)) throw weak('The password needs a digit')
  if (policy.requireLowercase && !/\p{Ll}/u.test(password)) throw weak('The password needs a lower-case letter')
  if (policy.requireUppercase && !/\p{Lu}/u.test(password)) throw weak('The password needs an upper-case letter')
  if (policy.requireSymbol && !/[^\p{L}\p{N}\s]/u.test(password)) throw weak('The password needs a symbol')
}

const weak = (message: string) => new MatrixError('M_WEAK_PASSWORD', message)
