import { isObject, type JsonObject } from '../../matrix/json.ts'
import { isSignedByKey } from '../../matrix/sign-json.ts'
import { VerifyKey } from '../../matrix/verify-key.ts'
import type { SignedClient } from '../signed-client.ts'

/** A server that is believed about the keys of others, and the key that it signs with (base64). */
export interface Notary {
  readonly name: string
  readonly key: string
}

/** The key ring knows when to ask again; and who just spoke to us must be able to prove who it is. */
const BOUNDS = { maxBytes: 256 * 1024, timeoutMs: 10_000, isSigned: false, evenIfLost: true }

/**
 * What a server says of its keys: from itself or, when it cannot be reached, as one of the notaries has it. Nothing of
 * what the server itself says has been checked; undefined where nobody knows.
 */
export async function fetchServerKeys(
  client: SignedClient,
  notaries: readonly Notary[],
  serverName: string,
): Promise<JsonObject | undefined> {
  try {
    return await client.send(serverName, { method: 'GET', path: '/_matrix/key/v2/server', ...BOUNDS })
  } catch (error) {
    for (const notary of notaries) {
      const answer = notary.name === serverName ? undefined : await askNotary(client, notary, serverName)
      if (answer) return answer
    }
    if (notaries.length === 0) throw error
    return undefined
  }
}

async function askNotary(client: SignedClient, notary: Notary, serverName: string): Promise<JsonObject | undefined> {
  const body = { server_keys: { [serverName]: {} } }
  const request = { method: 'POST', path: '/_matrix/key/v2/query', body, ...BOUNDS } as const
  // One that does not answer is passed over: the next may.
  const { server_keys: answers } = await client.send(notary.name, request).catch((): JsonObject => ({}))
  const key = VerifyKey.from(notary.key)
  if (!key || !Array.isArray(answers)) return undefined
  for (const answer of answers) {
    const isAboutIt = isObject(answer) && answer.server_name === serverName
    if (isAboutIt && (await isSignedByKey(answer, notary.name, key))) return answer
  }
  return undefined
}
