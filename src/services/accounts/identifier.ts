import { forbidden, MatrixError } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/**
 * The user whom a password login or stage names (spec: Identifier types), as typed; `undefined` if it names none.
 * Throws `M_FORBIDDEN` for addresses and phone numbers, because no account here has one.
 */
export function identifiedUser(source: JsonObject): string | undefined {
  const { identifier, user, address } = source
  if (isObject(identifier)) {
    if (identifier.type === 'm.id.user') return typeof identifier.user === 'string' ? identifier.user : undefined
    if (identifier.type === 'm.id.thirdparty' || identifier.type === 'm.id.phone' || identifier.address !== undefined) {
      throw forbidden('Invalid user name or password')
    }
    throw new MatrixError('M_UNKNOWN', 'This type of identifier is not supported', { status: 400 })
  }
  // How it was done before identifiers.
  if (typeof address === 'string') throw forbidden('Invalid user name or password')
  return typeof user === 'string' ? user : undefined
}
