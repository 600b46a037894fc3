import { isObject, type JsonObject } from '../../matrix/json.ts'
import { pathOf, type SignedClient } from '../signed-client.ts'

/** The queue has a back-off of its own, in the database. */
const BOUNDS = { maxBytes: 1024 * 1024, timeoutMs: 120_000, evenIfLost: true }

/** Sends a transaction (spec: server-server API, Transactions) and returns what became of each event, by its id. */
export async function sendTransaction(
  client: SignedClient,
  server: string,
  txnId: string,
  /** Canonical JSON. */
  transaction: string,
  signal?: AbortSignal,
): Promise<JsonObject> {
  const path = pathOf`/_matrix/federation/v1/send/${txnId}`
  const answer = await client.send(server, { method: 'PUT', path, bodyText: transaction, ...BOUNDS, signal })
  return isObject(answer.pdus) ? answer.pdus : {}
}
