import { isObject, type JsonObject } from '../../matrix/json.ts'
import { isSignedByKey, signJson } from '../../matrix/sign-json.ts'
import type { SigningKey } from '../../matrix/signing-key.ts'
import { VerifyKey } from '../../matrix/verify-key.ts'
import { isServerPattern, type ListedServer } from './server-list.ts'

/** A list of servers that somebody vouches for. */
export interface SignedList {
  readonly issuedTs: number
  readonly expiresTs: number
  readonly servers: readonly ListedServer[]
}

/** Under which name its signatures stand. */
const SIGNER = 'federation-list'

/** The JSON text of a list, signed. */
export function signList({ issuedTs, expiresTs, servers }: SignedList, key: SigningKey): string {
  const list = { issued_ts: issuedTs, expires_ts: expiresTs, servers: servers.map(({ name, key }) => ({ name, key })) }
  return JSON.stringify(signJson<JsonObject>(JSON.parse(JSON.stringify(list)), SIGNER, key), null, 2)
}

/** Reads a list that is signed with this public key (base64); a text says what is wrong with it. */
export async function readSignedList(text: string, publicKey: string): Promise<SignedList | string> {
  const json = parsed(text)
  if (json === undefined) return 'it is not a JSON object'
  const key = VerifyKey.from(publicKey)
  if (!key) return 'the public key is none'
  if (!(await isSignedByKey(json, SIGNER, key))) return 'it is not signed with the key of the configuration'
  const { issued_ts: issuedTs, expires_ts: expiresTs, servers } = json
  if (!isTime(issuedTs) || !isTime(expiresTs)) return 'issued_ts or expires_ts is missing'
  const listed = Array.isArray(servers) ? servers.map(readEntry) : [undefined]
  if (listed.includes(undefined)) return 'an entry of servers is not understood'
  return { issuedTs, expiresTs, servers: listed.filter((entry) => entry !== undefined) }
}

const isTime = (value: unknown): value is number => Number.isSafeInteger(value)

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function readEntry(entry: unknown): ListedServer | undefined {
  if (!isObject(entry) || typeof entry.name !== 'string' || !isServerPattern(entry.name)) return undefined
  const { name, key } = entry
  if (key === undefined) return { name }
  return typeof key === 'string' && VerifyKey.from(key) ? { name, key } : undefined
}
