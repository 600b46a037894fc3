import type { JsonObject } from '../../matrix/json.ts'
import type { OldKey } from '../../matrix/old-key.ts'
import { signJson } from '../../matrix/sign-json.ts'
import type { SigningKey } from '../../matrix/signing-key.ts'
import type { Clock } from '../../util/clock.ts'

interface Deps {
  readonly serverName: string
  readonly signingKey: SigningKey
  readonly oldKeys: readonly OldKey[]
  readonly clock: Clock
  /** What other servers said of their keys, for those who ask us; nothing, where we are nobody's notary. */
  answersOf(serverNames: readonly string[], validUntilTs: number): Promise<JsonObject[]>
}

const LIFETIME_MS = 24 * 3_600_000
/** One answer serves for half of its time (spec: getServerKey). */
const RENEW_AFTER_MS = LIFETIME_MS / 2
/** What one question may have us ask of others. */
const MAX_SERVERS = 50

/** What this server says of its own keys, and as a notary of those of others (spec: Retrieving server keys). */
export class OwnKeys {
  readonly #deps: Deps
  #published: { json: JsonObject; at: number } | undefined

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** The answer of `/_matrix/key/v2/server`. */
  published(): JsonObject {
    const now = this.#deps.clock.now()
    if (!this.#published || now - this.#published.at >= RENEW_AFTER_MS || now < this.#published.at) {
      this.#published = { json: this.#sign(now), at: now }
    }
    return this.#published.json
  }

  /** What these servers say of their keys, signed by us too. Servers that nobody can reach are missing. */
  async notarised(serverNames: readonly string[], validUntilTs: number | undefined): Promise<JsonObject[]> {
    const { serverName, signingKey, clock, answersOf } = this.#deps
    const wanted = [...new Set(serverNames)].slice(0, MAX_SERVERS)
    const others = wanted.filter((name) => name !== serverName)
    const answers = others.length === 0 ? [] : await answersOf(others, validUntilTs ?? clock.now())
    const signed = answers.map((answer) => signJson<JsonObject>(answer, serverName, signingKey))
    return wanted.includes(serverName) ? [this.published(), ...signed] : signed
  }

  #sign(now: number): JsonObject {
    const { serverName, signingKey, oldKeys } = this.#deps
    const others = oldKeys.filter(({ keyId }) => keyId !== signingKey.keyId)
    const old = others.map(({ keyId, publicKey, expiredTs }) => [keyId, { key: publicKey, expired_ts: expiredTs }])
    return signJson<JsonObject>(
      {
        server_name: serverName,
        verify_keys: { [signingKey.keyId]: { key: signingKey.publicKey } },
        old_verify_keys: Object.fromEntries(old),
        valid_until_ts: now + LIFETIME_MS,
      },
      serverName,
      signingKey,
    )
  }
}
