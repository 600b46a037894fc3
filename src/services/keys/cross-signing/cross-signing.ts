import { hash } from 'node:crypto'
import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { forbidden, MatrixError, missingParam } from '../../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../../matrix/json.ts'
import { signedText, verifyJson } from '../../../matrix/sign-json.ts'
import { lockAccount } from '../../../storage/accounts/accounts.ts'
import { devicesById } from '../../../storage/accounts/devices.ts'
import type { Db, Tx } from '../../../storage/db.ts'
import * as store from '../../../storage/keys/cross-signing.ts'
import type { Requester } from '../../accounts/sessions/sessions.ts'
import type { Authorised, Uia } from '../../accounts/uia/uia.ts'
import type { UiaSessions } from '../../accounts/uia/uia-sessions.ts'
import type { Stream } from '../../stream.ts'
import type { DeviceLists } from '../device-lists.ts'
import { type CrossSigningKey, readCrossSigningKey } from './key.ts'
import type { KeySignatures } from './key-signatures.ts'

interface Deps {
  readonly db: Db
  readonly stream: Stream
  readonly lists: DeviceLists
  readonly uia: Uia
  readonly uiaSessions: UiaSessions
  readonly signatures: KeySignatures
}

const USAGES: readonly store.Usage[] = ['master', 'self_signing', 'user_signing']

/** The keys of an upload, by what they are for. */
export type GivenKeys = Readonly<Partial<Record<store.Usage, JsonObject | undefined>>>

/** The keys by which users vouch for their devices and for each other (spec: Cross-signing). */
export class CrossSigning {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /**
   * Publishes keys of the user. The first ones are taken as they are, and the same ones again; to replace or add any
   * takes user-interactive authentication, but of application services. Throws `M_INVALID_PARAM`, `M_MISSING_PARAM` (no master key),
   * `M_INVALID_SIGNATURE`, and `M_FORBIDDEN` when a device is called like a key.
   */
  async upload(requester: Requester, given: GivenKeys, auth: JsonObject | undefined): Promise<void> {
    const { db, stream, lists, uiaSessions, signatures } = this.#deps
    const { userId, userNid } = requester
    const keys = USAGES.flatMap((usage) => {
      const object = given[usage]
      return object === undefined ? [] : [readCrossSigningKey(userId, usage, object)]
    })
    const before = await store.listCrossSigningKeys(db, [userNid])
    const master = masterOf(requester, keys, before)
    await checkSignatures(requester, keys, master)
    if (keys.every((key) => isKnown(key, before))) return
    const needsNone = requester.appservice !== undefined || !hasMaster(before)
    const authorised = needsNone ? undefined : await this.#confirm(requester, keys, auth)
    await stream.write(async (tx, take) => {
      await lockAccount(tx, userNid)
      const now = await store.listCrossSigningKeys(tx, [userNid])
      if (!hasMaster(before) && hasMaster(now)) throw forbidden('Other keys were uploaded at the same time')
      await refuseDeviceIds(tx, userNid, keys)
      await uiaSessions.spend(tx, authorised?.session)
      await store.deleteCrossSigningKeys(tx, userNid, outdated(keys, now))
      await store.upsertCrossSigningKeys(tx, rowsOf(requester, keys, master))
      const announce = await lists.note(tx, take, requester, { crossSigning: true })
      return { value: undefined, announce }
    })
    // Those of the user's devices; what is wrong with them does not make the key wrong.
    if (keys.includes(master) && isObject(master.object.signatures)) {
      await signatures.upload(requester, new Map([[userId, new Map([[master.publicKey, master.object]])]]))
    }
  }

  #confirm(requester: Requester, keys: readonly CrossSigningKey[], auth: JsonObject | undefined): Promise<Authorised> {
    const digest = hash('sha256', canonicalJson(keys.map(({ object }) => object)), 'base64url')
    const operation = `client.uploadCrossSigningKeys ${digest}`
    return this.#deps.uia.authenticate({ operation, requester, auth, flows: [['m.login.password']] })
  }
}

const hasMaster = (rows: readonly store.CrossSigningKeyRow[]) => rows.some(({ usage }) => usage === 'master')

/** Whether this very key is stored; signatures do not count. */
const isKnown = (key: CrossSigningKey, rows: readonly store.CrossSigningKeyRow[]): boolean =>
  rows.some(({ usage, json }) => usage === key.usage && signedText(JSON.parse(json)) === signedText(key.object))

/** The master key that an upload leaves: the new one, or else the one that is there. */
function masterOf(
  { userId }: Requester,
  keys: readonly CrossSigningKey[],
  before: readonly store.CrossSigningKeyRow[],
): CrossSigningKey {
  const given = keys.find(({ usage }) => usage === 'master')
  if (given) return given
  const stored = before.find(({ usage }) => usage === 'master')
  if (!stored) throw missingParam('There is no master key')
  return readCrossSigningKey(userId, 'master', JSON.parse(stored.json))
}

/** The master key vouches for the other two. */
async function checkSignatures(
  { userId }: Requester,
  keys: readonly CrossSigningKey[],
  master: CrossSigningKey,
): Promise<void> {
  for (const { usage, object } of keys) {
    if (usage === 'master' || (await verifyJson(object, userId, new Map([[master.keyId, master.verifyKey]])))) continue
    throw new MatrixError('M_INVALID_SIGNATURE', `The ${usage} key is not signed by the master key`)
  }
}

/** Clients take the public key for the id of a device when they verify it, so that the two must differ (spec). */
async function refuseDeviceIds(tx: Tx, userNid: number, keys: readonly CrossSigningKey[]): Promise<void> {
  const namesakes = await devicesById(
    tx,
    userNid,
    keys.map(({ publicKey }) => publicKey),
  )
  if (namesakes.length > 0) throw forbidden('A device is called like one of the keys')
}

/** The public keys that an upload puts an end to: those it replaces, and all that a replaced master key vouched for. */
function outdated(keys: readonly CrossSigningKey[], now: readonly store.CrossSigningKeyRow[]): string[] {
  const isMasterNew = keys.some((key) => key.usage === 'master' && !isKnown(key, now))
  const gone = now.filter((row) => {
    const given = keys.find(({ usage }) => usage === row.usage)
    return given ? !isKnown(given, [row]) : isMasterNew
  })
  return gone.map((row) => row.public_key)
}

/** As they are stored: with no signature but that of the master key, which has been verified. */
function rowsOf(
  { userId, userNid }: Requester,
  keys: readonly CrossSigningKey[],
  { keyId }: CrossSigningKey,
): store.CrossSigningKeyRow[] {
  return keys.map(({ usage, publicKey, object }) => {
    const { unsigned: _, signatures, ...key } = object
    const own = isObject(signatures) ? signatures[userId] : undefined
    const byMaster = usage !== 'master' && isObject(own) && { signatures: { [userId]: { [keyId]: own[keyId] } } }
    return { user_nid: userNid, usage, public_key: publicKey, json: canonicalJson({ ...key, ...byMaster }) }
  })
}
