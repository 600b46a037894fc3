import { RemoteFailure } from '../../../federation/remote-failure.ts'
import type { QueryRequests } from '../../../federation/requests/queries.ts'
import { canonicalFlaw } from '../../../matrix/canonical-flaw.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import { serverOf } from '../../../matrix/ids.ts'
import { isObject, type Json, type JsonObject, own } from '../../../matrix/json.ts'
import type { Claim } from '../key-claims.ts'
import type { Lanes } from './lanes.ts'

interface Deps {
  readonly queries: QueryRequests
  readonly lanes: Lanes
}

/** One-time keys that other servers gave. */
export interface RemoteKeys {
  /** `{ userId: { deviceId: { 'algorithm:id': key } } }` */
  readonly keys: JsonObject
  /** Servers that did not answer. */
  readonly failed: Set<string>
}

const MAX_KEY_BYTES = 16 * 1024

/** Claims one-time keys of devices of other servers' users. */
export class RemoteClaims {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Asks all servers at once; those that have not answered after `timeoutMs` have failed. */
  async claim(claims: readonly Claim[], timeoutMs: number): Promise<RemoteKeys> {
    const failed = new Set<string>()
    const answers = await Promise.all(
      [...Map.groupBy(claims, ({ userId }) => serverOf(userId))].map(async ([server, ofServer]) => {
        try {
          return await this.#claimFrom(server, ofServer, timeoutMs)
        } catch (error) {
          if (!(error instanceof RemoteFailure || error instanceof MatrixError)) throw error
          failed.add(server)
          return []
        }
      }),
    )
    return { keys: Object.fromEntries(answers.flat()), failed }
  }

  async #claimFrom(server: string, claims: readonly Claim[], timeoutMs: number): Promise<[string, JsonObject][]> {
    const { queries, lanes } = this.#deps
    const wanted = claimBody(claims)
    const answer = await lanes.run(server, timeoutMs, (leftMs) => queries.claimUserKeys(server, wanted, leftMs))
    return readClaims(answer, claims)
  }
}

/** As both APIs have them: `{ userId: { deviceId: algorithm } }`. */
function claimBody(claims: readonly Claim[]): JsonObject {
  const byUser = Map.groupBy(claims, ({ userId }) => userId)
  return Object.fromEntries(
    [...byUser].map(([userId, ofUser]) => [
      userId,
      Object.fromEntries(ofUser.map(({ deviceId, algorithm }) => [deviceId, algorithm])),
    ]),
  )
}

/** What was claimed of what was answered. */
function readClaims(answer: JsonObject, claims: readonly Claim[]): [string, JsonObject][] {
  const byUser = Map.groupBy(claims, ({ userId }) => userId)
  return [...byUser].flatMap(([userId, ofUser]): [string, JsonObject][] => {
    const devices = ofUser.flatMap(({ deviceId, algorithm }) => {
      const given = own(own(own(answer, 'one_time_keys'), userId), deviceId)
      const key = Object.entries(isObject(given) ? given : {}).find(
        ([name, value]) => name.startsWith(`${algorithm}:`) && isKey(value),
      )
      return key ? [[deviceId, Object.fromEntries([key])] as const] : []
    })
    return devices.length > 0 ? [[userId, Object.fromEntries(devices)]] : []
  })
}

const isKey = (value: Json | undefined): boolean =>
  (typeof value === 'string' || isObject(value)) &&
  canonicalFlaw(value, true) === undefined &&
  Buffer.byteLength(JSON.stringify(value)) <= MAX_KEY_BYTES
