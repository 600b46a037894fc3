import type { Verdict } from '../event.ts'
import type { AuthCase } from './auth-case.ts'
import { haveSameDomain } from './fields.ts'

/** Rule 11 of versions 1 and 2. Later versions allow the event and decide on its effect when both events are known. */
export function authorizeRedaction({ event, pdu, levels }: AuthCase): Verdict {
  // Rule 11.1.
  if (levels.userLevel(pdu.sender) >= levels.redact) return undefined
  // Rule 11.2.
  if (haveSameDomain(pdu.redacts, event.eventId)) return undefined
  // Rule 11.3.
  return "The sender may not redact other servers' events"
}
