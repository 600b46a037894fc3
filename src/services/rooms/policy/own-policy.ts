import { MatrixError } from '../../../matrix/errors.ts'
import { isObject } from '../../../matrix/json.ts'
import type { Signatures } from '../../../matrix/sign-json.ts'
import type { SigningKey } from '../../../matrix/signing-key.ts'
import type { Pdu } from '../../../room/event.ts'
import { essentialText } from '../../../room/hashes.ts'
import type { RoomVersion } from '../../../room/versions.ts'

interface Deps {
  readonly serverName: string
  /** Not the key that the server signs its own events with; named `ed25519:policy_server`. */
  readonly key: SigningKey
  /** What no text of an event may contain. */
  readonly refuse: readonly RegExp[]
}

/** This server as the policy server of rooms: its signature says that nothing was found in an event that is refused. */
export class OwnPolicy {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** What a room's `m.room.policy` has to name for its events to be asked about here. */
  get publicKey(): string {
    return this.#deps.key.publicKey
  }

  /** The signature for an event whose content is that of its hash. Throws `M_FORBIDDEN` for what is refused. */
  sign(pdu: Pdu, version: RoomVersion): Signatures {
    const { serverName, key, refuse } = this.#deps
    for (const text of textsIn(pdu.content)) {
      if (formsOf(text).some((form) => refuse.some((pattern) => pattern.test(form)))) {
        throw new MatrixError('M_FORBIDDEN', 'The policy of this room does not allow this text', { status: 400 })
      }
    }
    return { [serverName]: { [key.keyId]: key.sign(essentialText(pdu, version)) } }
  }
}

/**
 * A text as it is written, and as it looks: without what nobody sees, letters and digits in their usual form, and both
 * again without the tags of HTML.
 */
function formsOf(text: string): string[] {
  const plain = text.replace(/<[^<>]*>/g, '')
  return [text, plain].flatMap((form) => [
    form.normalize('NFC'),
    form.replace(/\p{Default_Ignorable_Code_Point}/gu, '').normalize('NFKC'),
  ])
}

/** All texts in a value, however deep. */
function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (Array.isArray(value)) for (const item of value) yield* textsIn(item)
  else if (isObject(value)) for (const item of Object.values(value)) yield* textsIn(item)
}
