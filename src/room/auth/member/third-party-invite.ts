import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { signedText } from '../../../matrix/sign-json.ts'
import { VerifyKey } from '../../../matrix/verify-key.ts'
import type { Verdict } from '../../event.ts'
import type { AuthCase } from '../auth-case.ts'
import { contentOf, signedOf } from '../fields.ts'

/** Pairs of signature and key that are tried, 0.1 ms each. Honest invites have one signature and one or two keys. */
const MAX_PAIRS = 50

/** Rule 5.4.1: an invite by e-mail or telephone number that an identity server has bound to a user. */
export function authorizeThirdPartyInvite(auth: AuthCase, target: string): Verdict {
  // Rule 5.4.1.1.
  if (auth.membershipOf(target) === 'ban') return 'The user is banned'
  // Rule 5.4.1.2.
  const signed = signedOf(auth.content)
  if (!signed) return 'The third-party invite is not signed'
  // Rule 5.4.1.3.
  const { mxid, token } = signed
  if (typeof mxid !== 'string' || typeof token !== 'string') return 'The third-party invite names no user or no token'
  // Rule 5.4.1.4.
  if (mxid !== target) return 'The third-party invite is for another user'
  // Rule 5.4.1.5.
  const invite = auth.state('m.room.third_party_invite', token)
  if (!invite) return 'There is no such third-party invite'
  // Rule 5.4.1.6.
  if (invite.pdu.sender !== auth.pdu.sender) return 'The third-party invite is from another user'
  // Rules 5.4.1.7 and 5.4.1.8.
  return isSignedByAny(signed, publicKeysOf(contentOf(invite.pdu)))
    ? undefined
    : 'The third-party invite is signed by none of its keys'
}

const publicKeysOf = ({ public_key: one, public_keys: more }: JsonObject): unknown[] => [
  one,
  ...(Array.isArray(more) ? more.filter(isObject).map((entry) => entry.public_key) : []),
]

function isSignedByAny(signed: JsonObject, publicKeys: unknown[]): boolean {
  const { signatures } = signed
  const found = isObject(signatures)
    ? Object.values(signatures)
        .filter(isObject)
        .flatMap(Object.values<unknown>)
    : []
  if (found.length * publicKeys.length > MAX_PAIRS) return false
  const text = textOf(signed)
  if (text === undefined) return false
  return publicKeys.some((publicKey) => {
    const key = typeof publicKey === 'string' ? VerifyKey.from(publicKey) : undefined
    return key && found.some((signature) => typeof signature === 'string' && key.verifyNow(text, signature))
  })
}

function textOf(signed: JsonObject): string | undefined {
  try {
    return signedText(signed)
  } catch {
    return undefined // has no canonical form, so that nobody can have signed it
  }
}
