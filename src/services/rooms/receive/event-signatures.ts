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
/**
 * Events of one call that are checked at a time. 10,000 of them at once would hold the thread pool until the last is
 * through, and with it every commit; with its threads all busy, the event loop would want for a core too. Two keep up
 * with what the loop does for each event before and after.
 */
const AT_A_TIME = 2

/** Steps 2 and 3: signatures, off the event loop, and the hash (spec: Checks performed on receipt of a PDU). */
export class EventSignatures {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Each event as it may be used; a text where a signature is missing or wrong. All keys are asked for at once. */
  async check(events: readonly Parsed[], version: RoomVersion): Promise<(Incoming | string)[]> {
    const turn = new Turn()
    const wanted = new Map<Parsed, WantedKeys[]>()
    for (const event of events) {
      const signers = [...requiredSigners(event.pdu, version)]
      wanted.set(
        event,
        signers.map((serverName) => wantedKeys(event, serverName, version)),
      )
      if (turn.isOver) await turn.give()
    }
    const keysOf = await this.#keysOf([...wanted.values()].flat())
    const checked: (Incoming | string)[] = []
    const waiting = events.entries()
    const work = async () => {
      for (const [index, event] of waiting) {
        checked[index] = await this.#checkOne(event, version, wanted.get(event) ?? [], keysOf)
        if (turn.isOver) await turn.give()
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, work))
    return checked
  }

  async #keysOf(wanted: readonly WantedKeys[]): Promise<Map<WantedKeys, VerifyKeys>> {
    const others = wanted.filter(({ serverName }) => serverName !== this.#deps.serverName)
    const found = await this.#deps.keyRing.verifyKeysOf(others)
    return new Map(others.map((want, index) => [want, found[index] ?? NO_KEYS]))
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
