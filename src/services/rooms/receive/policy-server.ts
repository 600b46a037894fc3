import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { isSigned, type Signatures } from '../../../matrix/sign-json.ts'
import { VerifyKey } from '../../../matrix/verify-key.ts'
import { essentialText } from '../../../room/hashes.ts'
import type { LiveRoom } from '../live-room.ts'
import type { Incoming } from './incoming.ts'

interface Deps {
  readonly serverName: string
  readonly client: FederationClient
}

/** The server that a room asks which events it should take, and the key by which it says so. */
interface PolicyServer {
  readonly via: string
  readonly key: VerifyKey
}

const KEY_ID = 'ed25519:policy_server'
const TIMEOUT_MS = 5_000
/** What comes in one transaction is asked about with a few requests at a time. */
const AT_A_TIME = 10

/**
 * Which of these events the room's policy server does not recommend (spec: server-server API, Policy Servers). Those
 * without its signature it is asked about; an answer that does not come counts as none.
 */
export async function notRecommended(
  deps: Deps,
  room: LiveRoom,
  events: readonly Incoming[],
): Promise<ReadonlySet<string>> {
  const server = await policyServerOf(room)
  const unwanted = new Set<string>()
  if (!server || server.via === deps.serverName) return unwanted
  const waiting = events.filter(({ pdu }) => pdu.type !== 'm.room.policy' || pdu.state_key !== '')
  const work = async () => {
    for (let event = waiting.shift(); event; event = waiting.shift()) {
      if (!(await isRecommended(deps, room, server, event))) unwanted.add(event.eventId)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, work))
  return unwanted
}

async function policyServerOf(room: LiveRoom): Promise<PolicyServer | undefined> {
  const { via, public_keys: keys } = (await room.stateEvent('m.room.policy', ''))?.visible.content ?? {}
  if (typeof via !== 'string' || !isObject(keys) || typeof keys.ed25519 !== 'string') return undefined
  const key = VerifyKey.from(keys.ed25519)
  return key && room.servers.has(via) ? { via, key } : undefined
}

async function isRecommended(
  { client }: Deps,
  { version }: LiveRoom,
  { via, key }: PolicyServer,
  { pdu }: Incoming,
): Promise<boolean> {
  const text = essentialText(pdu, version)
  const isValid = (signatures: Signatures | JsonObject | undefined) =>
    isSigned(text, signatures, via, new Map([[KEY_ID, key]]))
  if (await isValid(pdu.signatures)) return true
  try {
    return await isValid(await client.events.askPolicyServerToSign(via, pdu as JsonObject, TIMEOUT_MS))
  } catch (error) {
    if (error instanceof RemoteFailure) return false
    throw error
  }
}
