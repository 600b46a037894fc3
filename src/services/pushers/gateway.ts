import { isObject, type JsonObject } from '../../matrix/json.ts'
import { destinationOf, type GuardedClient } from '../../outbound/guarded-client.ts'

/** What a gateway said: it took the notification, never will, or knows that the pushkey is void. */
export type Verdict = 'accepted' | 'refused' | 'rejected'

const MAX_ANSWER_BYTES = 64 * 1024
const TIMEOUT_MS = 20_000
/** Statuses by which a gateway says that it will never take this notification. */
const REFUSED = new Set([400, 413, 422])

/**
 * Hands a notification to a push gateway (spec: Push Gateway API). Throws when nobody can tell whether it was taken: no
 * answer, an error, or an answer that no gateway gives.
 */
export async function notifyGateway(
  client: GuardedClient,
  url: URL,
  notification: JsonObject,
  pushkey: string,
  signal: AbortSignal,
): Promise<Verdict> {
  const question = {
    method: 'POST',
    path: url.pathname + url.search,
    headers: { 'content-type': 'application/json', 'user-agent': 'Bongsu' },
    body: JSON.stringify({ notification }),
  } as const
  const bounds = { maxBytes: MAX_ANSWER_BYTES, timeoutMs: TIMEOUT_MS, signal }
  const { status, body } = await client.request(destinationOf(url), question, bounds)
  if (REFUSED.has(status)) return 'refused'
  if (status < 200 || status > 299) throw new Error(`The push gateway answered ${status}`)
  const answer: unknown = JSON.parse(body.toString())
  if (!isObject(answer) || !Array.isArray(answer.rejected)) throw new Error('The answer is not that of a push gateway')
  return answer.rejected.includes(pushkey) ? 'rejected' : 'accepted'
}
