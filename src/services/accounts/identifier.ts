import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/** How somebody says who they are: a user id or its localpart as typed, or a mail address. */
export type Identified = string | { readonly email: string }

/**
 * The user whom a password login or stage names (spec: Identifier types); `undefined` if it names none. Throws
 * `M_FORBIDDEN` for phone numbers, because no account here has one.
 */
export function identifiedUser(source: JsonObject): Identified | undefined {
  const { identifier, user, address, medium } = source
  if (!isObject(identifier)) {
    // How it was done before identifiers.
    if (typeof address === 'string') return byAddress(medium, address)
    return typeof user === 'string' ? user : undefined
  }
  if (identifier.type === 'm.id.user') return typeof identifier.user === 'string' ? identifier.user : undefined
  if (identifier.type === 'm.id.thirdparty') return byAddress(identifier.medium, identifier.address)
  if (identifier.type === 'm.id.phone' || identifier.address !== undefined) throw nobody()
  throw new MatrixError('M_UNKNOWN', 'This type of identifier is not supported', { status: 400 })
}

function byAddress(medium: unknown, address: unknown): Identified {
  if (medium !== 'email' || typeof address !== 'string') throw nobody()
  return { email: address }
}

const nobody = () => forbidden('Invalid user name or password')
