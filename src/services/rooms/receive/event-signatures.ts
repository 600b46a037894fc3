import type { KeyRing, WantedKeys } from '../../../federation/keys/key-ring.ts'
import { isSigned, type VerifyKeys } from '../../../matrix/sign-json.ts'
import type { RoomEvent } from '../../../room/event.ts'
import { requiredSigners } from '../../../room/signers.ts'
import type { RoomVersion } from '../../../room/versions.ts'
import { Turn } from '../../../util/turn.ts'
import { type Incoming, type Parsed, withOwnContent } from './incoming.ts'

interface Deps {
  readonly serverName: string
  readonly keyRing: Pick<KeyRing, 'verifyKeysOf'>
  /** Our own keys, also those that we used before. */
  readonly ownKeys: VerifyKeys
}

/** Keys of one server that are looked at on one event. */
const MAX_KEYS = 5

/** Steps 2 and 3: signatures, off the event loop, and the hash (spec: Checks performed on receipt of a PDU). */
export class EventSignatures {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Each event as it may be used; a text where a signature is missing or wrong. All keys are asked for at once. */
  async check(events: readonly Parsed[], version: RoomVersion): Promise<(Incoming | string)[]> {
    const signers = events.map((event) => [...requiredSigners(event.pdu, version)])
    const wanted = events.flatMap((event, index) =>
      (signers[index] ?? []).map((serverName) => wantedKeys(event, serverName, version)),
    )
    const others = wanted.filter(({ serverName }) => serverName !== this.#deps.serverName)
    const found = await this.#deps.keyRing.verifyKeysOf(others)
    const keysOf = new Map(others.map((want, index) => [want, found[index] ?? NO_KEYS]))
    const turn = new Turn()
    const checks: Promise<Incoming | string>[] = []
    let at = 0
    for (const [index, event] of events.entries()) {
      const own = wanted.slice(at, at + (signers[index]?.length ?? 0))
      at += own.length
      checks.push(this.#checkOne(event, version, own, keysOf))
      if (turn.isOver) await turn.give()
    }
    return Promise.all(checks)
  }

  async #checkOne(
    event: Parsed,
    version: RoomVersion,
    wanted: readonly WantedKeys[],
    keysOf: ReadonlyMap<WantedKeys, VerifyKeys>,
  ): Promise<Incoming | string> {
    const { signatures } = event.pdu
    const areValid = await Promise.all(
      wanted.map((want) =>
        isSigned(event.essential, signatures, want.serverName, keysOf.get(want) ?? this.#ownKeys(want.keyIds)),
      ),
    )
    const wrong = areValid.indexOf(false)
    if (wrong >= 0) return `There is no valid signature of ${wanted[wrong]?.serverName}`
    return withOwnContent(event, version)
  }

  #ownKeys(keyIds: readonly string[]): VerifyKeys {
    const keys = [...this.#deps.ownKeys].filter(([keyId]) => keyIds.includes(keyId))
    return new Map(keys)
  }
}

const NO_KEYS: VerifyKeys = new Map()

function wantedKeys({ pdu }: RoomEvent, serverName: string, version: RoomVersion): WantedKeys {
  const { signatures } = pdu
  const own = signatures && Object.hasOwn(signatures, serverName) ? signatures[serverName] : undefined
  const atTs = version.enforceKeyValidity ? pdu.origin_server_ts : undefined
  return { serverName, keyIds: Object.keys(own ?? {}).slice(0, MAX_KEYS), atTs }
}
