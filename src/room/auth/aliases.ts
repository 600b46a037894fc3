import type { Verdict } from '../event.ts'
import type { AuthCase } from './auth-case.ts'
import { domainOf } from './fields.ts'

/** Rule 4 of versions 1 to 5: a server's aliases are its own affair. */
export function authorizeAliases({ pdu }: AuthCase): Verdict {
  // Rule 4.1.
  if (typeof pdu.state_key !== 'string') return 'The aliases have no state key'
  // Rule 4.2.
  if (domainOf(pdu.sender) !== pdu.state_key) return 'The aliases are those of another server'
  return undefined
}
