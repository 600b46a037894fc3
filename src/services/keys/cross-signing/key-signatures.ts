import { invalidParam, MatrixError, notFound } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { signedText } from '../../../matrix/sign-json.ts'
import { VerifyKey } from '../../../matrix/verify-key.ts'
import type { Db } from '../../../storage/db.ts'
import * as store from '../../../storage/keys/cross-signing.ts'
import type { Requester } from '../../accounts/sessions/sessions.ts'
import type { Stream } from '../../stream.ts'
import type { DeviceLists } from '../device-lists.ts'
import { readSignableKeys, type SignableKeys } from './signable-keys.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
}

/** Signed keys by their users, and by their device ids or public keys. */
export type SignedKeys = ReadonlyMap<UserId, ReadonlyMap<string, JsonObject>>

/** Why signatures were not taken, in the same places. */
export type Failures = Record<string, Record<string, MatrixError>>

/** A verified signature, and the texts of the two keys that it connects. */
interface Verified extends store.NewSignature {
  readonly texts: readonly [string, string]
}

/** The signatures by which users vouch for devices and for each other (spec: `POST /keys/signatures/upload`). */
export class KeySignatures {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Stores the signatures of the user that are right, each one verified: those of the self-signing key on the user's
   * devices, those of the user's devices on the master key, and those of the user-signing key on the master keys of
   * others. Of keys that have none of these, or a wrong one, nothing is stored.
   */
  async upload(requester: Requester, signed: SignedKeys): Promise<Failures> {
    const { db, stream, lists } = this.#deps
    const { userNid } = requester
    const keys = await readSignableKeys(db, requester, signed.keys())
    const failures = new Map<UserId, Map<string, MatrixError>>()
    const verified: Verified[] = []
    for (const [userId, objects] of signed) {
      for (const [target, object] of objects) {
        const result = await verifiedOn(requester, keys, userId, target, object)
        if (!(result instanceof MatrixError)) verified.push(...result)
        else failures.set(userId, (failures.get(userId) ?? new Map()).set(target, result))
      }
    }
    if (verified.length > 0) {
      await stream.write(async (tx, take) => {
        // A key that was replaced while its signatures were verified has none.
        const { texts } = await readSignableKeys(tx, requester, signed.keys())
        const current = verified.filter((one) => one.texts.every((text) => texts.has(text)))
        const fresh = await store.unknownSignatures(tx, current)
        if (fresh.length === 0) return { value: undefined }
        const ownTargets = fresh.filter((one) => one.userNid === userNid).map(({ target }) => target)
        const ownDevices = ownTargets.filter((target) => keys.devices.has(target))
        const change = { deviceIds: ownDevices, crossSigning: ownDevices.length < ownTargets.length }
        const write = (pos: number) => store.upsertSignatures(tx, pos, fresh)
        const announce =
          ownTargets.length > 0
            ? await lists.note(tx, take, requester, change, write)
            : await lists.noteSigning(take, requester, write)
        return { value: undefined, announce }
      })
    }
    return Object.fromEntries([...failures].map(([userId, ofUser]) => [userId, Object.fromEntries(ofUser)]))
  }
}

/** The requester's signatures on one key, or what is wrong with it or them. */
async function verifiedOn(
  { userId: signerId, userNid: signerNid }: Requester,
  keys: SignableKeys,
  userId: UserId,
  target: string,
  object: JsonObject,
): Promise<Verified[] | MatrixError> {
  const key = keys.find(userId, target)
  if (!key) return notFound('There is no such key, or none that is signed')
  const text = signedText(object)
  if (text !== signedText(JSON.parse(key.json))) return invalidParam('This is not the key that was published')
  const own = isObject(object.signatures) ? object.signatures[signerId] : undefined
  const verified: Verified[] = []
  for (const signer of key.signers) {
    const signature = isObject(own) && Object.hasOwn(own, signer.keyId) ? own[signer.keyId] : undefined
    if (signature === undefined) continue
    const { keyId, publicKey, json } = signer
    const isRight = typeof signature === 'string' && (await VerifyKey.from(publicKey)?.verify(text, signature))
    if (!isRight) return invalidSignature()
    verified.push({ userNid: key.userNid, target, signerNid, keyId, signature, texts: [key.json, json] })
  }
  return verified.length > 0 ? verified : invalidSignature()
}

const invalidSignature = () =>
  new MatrixError('M_INVALID_SIGNATURE', 'This key has no signature by a key that may sign it, or a wrong one')
