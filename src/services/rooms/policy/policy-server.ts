import type { FederationClient } from '../../../federation/client.ts'
import { RemoteFailure } from '../../../federation/remote-failure.ts'
import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { forbidden, isErrCode, MatrixError } from '../../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { addSignature, isSigned, type Signatures } from '../../../matrix/sign-json.ts'
import { VerifyKey } from '../../../matrix/verify-key.ts'
import type { Pdu } from '../../../room/event.ts'
import { essentialText } from '../../../room/hashes.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import type { Clock } from '../../../util/clock.ts'
import { lruCache } from '../../../util/lru.ts'
import type { LiveRoom } from '../live-room.ts'
import type { OwnPolicy } from './own-policy.ts'

interface Deps {
  readonly clock: Clock
  readonly serverName: string
  readonly client: FederationClient
  /** Undefined: this server is nobody's policy server. */
  readonly ownPolicy: OwnPolicy | undefined
}

/** The server that a room asks which events it should take, and the key by which it says so. */
interface PolicyServer {
  readonly via: string
  readonly key: VerifyKey
}

/** An event with what is needed to store and to send it. */
interface Signed {
  readonly eventId: string
  readonly pdu: Pdu
  readonly json: string
}

const KEY_ID = 'ed25519:policy_server'
const TIMEOUT_MS = 5_000
/** Events that wait for others are looked at again and again: about these nobody is asked each time. */
const REFUSED_MS = 600_000
const MAX_REFUSED = 10_000
/** What comes in one transaction is asked about with a few requests at a time. */
const AT_A_TIME = 10

/** The servers that rooms ask which events they should take (spec: server-server API, Policy Servers). */
export class PolicyServers {
  readonly #deps: Deps
  /** Until when nobody is asked again about what was not recommended, by its id. */
  readonly #refused = lruCache<string, number>(MAX_REFUSED)

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Whether this server is the room's policy server. */
  async isOurs(room: LiveRoom): Promise<boolean> {
    return (await this.#of(room))?.via === this.#deps.serverName
  }

  /** Whether somebody has to be asked before anything is sent to the room. */
  async isAskedFor(room: LiveRoom): Promise<boolean> {
    return (await this.#of(room)) !== undefined
  }

  /**
   * Events of others, with the signature of the room's policy server where it gives one now, and those that it does not
   * recommend. An answer that does not come counts as none.
   */
  async check<T extends Signed>(
    room: LiveRoom,
    events: readonly T[],
  ): Promise<{ events: readonly T[]; unwanted: ReadonlySet<string> }> {
    const { clock } = this.#deps
    const server = await this.#of(room)
    const unwanted = new Set<string>()
    if (!server) return { events, unwanted }
    const checked = [...events]
    const waiting = [...events.entries()].filter(([, { pdu }]) => !isPolicy(pdu))
    const work = async () => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, event] = next
        const mayAsk = (this.#refused.get(event.eventId) ?? 0) <= clock.now()
        const signed = await this.#signed(room, server, event, mayAsk).catch(nothingOf)
        if (signed) checked[index] = signed
        else unwanted.add(event.eventId)
        if (!signed && mayAsk) this.#refused.set(event.eventId, clock.now() + REFUSED_MS)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, work))
    return { events: checked, unwanted }
  }

  /**
   * An event of ours with the signature of the room's policy server, if the room has one. Throws what that server says
   * against it, or `M_FORBIDDEN`.
   */
  async recommended<T extends Signed>(room: LiveRoom, event: T): Promise<T> {
    const server = await this.#of(room)
    if (!server || isPolicy(event.pdu)) return event
    const signed = await this.#signed(room, server, event).catch((error: unknown) => {
      throw error instanceof RemoteFailure ? refusalOf(error) : error
    })
    if (!signed) throw forbidden('The policy server of the room does not recommend this event')
    return signed
  }

  /** The policy server that is enabled in the room's current state. */
  async #of(room: LiveRoom): Promise<PolicyServer | undefined> {
    const { serverName, ownPolicy } = this.#deps
    // It has a member in the room, and mostly we are none.
    if (room.servers.size < 2 && !ownPolicy) return undefined
    const { via, public_keys: keys } = (await room.stateEvent('m.room.policy', ''))?.visible.content ?? {}
    if (typeof via !== 'string' || !isObject(keys) || typeof keys.ed25519 !== 'string') return undefined
    const key = VerifyKey.from(keys.ed25519)
    if (via === serverName && keys.ed25519 !== ownPolicy?.publicKey) return undefined
    return key && room.servers.has(via) ? { via, key } : undefined
  }

  /** The event with a valid signature of the server, which may be asked for one where there is none; undefined: it has none. */
  async #signed<T extends Signed>(
    { version }: LiveRoom,
    { via, key }: PolicyServer,
    event: T,
    mayAsk = true,
  ): Promise<T | undefined> {
    const text = essentialText(event.pdu, version)
    const isValid = (signatures: Signatures | JsonObject | undefined) =>
      isSigned(text, signatures, via, new Map([[KEY_ID, key]]))
    if (await isValid(event.pdu.signatures)) return event
    if (!mayAsk) return undefined
    const given = await this.#ask(via, event.pdu, version)
    if (!(await isValid(given))) return undefined
    const { [via]: ofServer } = given
    const signature = isObject(ofServer) ? String(ofServer[KEY_ID]) : ''
    const pdu = { ...event.pdu, signatures: addSignature(event.pdu.signatures, via, KEY_ID, signature) }
    return { ...event, pdu, json: canonicalJson(pdu) }
  }

  async #ask(via: string, pdu: Pdu, version: RoomVersion): Promise<JsonObject | Signatures> {
    const { serverName, client, ownPolicy } = this.#deps
    if (via === serverName && ownPolicy) return ownPolicy.sign(pdu, version)
    return client.events.askPolicyServerToSign(via, pdu as JsonObject, TIMEOUT_MS)
  }
}

/** The event that names the policy server needs nobody's recommendation. */
export const isPolicy = ({ type, state_key: stateKey }: Pdu): boolean => type === 'm.room.policy' && stateKey === ''

/** A server that is away, or that we do not talk to, recommends nothing. */
function nothingOf(error: unknown): undefined {
  if (error instanceof RemoteFailure || error instanceof MatrixError) return undefined
  throw error
}

/**
 * The client gets the policy server's own words (spec: Validating policy server signatures), but no 401: it would believe
 * that it was logged out here.
 */
function refusalOf(failure: RemoteFailure): MatrixError {
  const { status = 502, errcode, body, retryAfterMs } = failure
  const said = isObject(body) && typeof body.error === 'string' ? body.error : 'The policy server cannot be reached'
  if (status < 400 || status > 499 || status === 401 || !isErrCode(errcode)) return failure.toClient()
  const fields = retryAfterMs === undefined ? {} : { retry_after_ms: retryAfterMs }
  return new MatrixError(errcode, said.slice(0, 1_000), { status, fields, cause: failure })
}
