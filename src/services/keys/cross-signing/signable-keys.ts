import type { UserId } from '../../../matrix/ids.ts'
import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { type CrossSigningKeyRow, listCrossSigningKeys } from '../../../storage/keys/cross-signing.ts'
import { type DeviceKeyRow, listDeviceKeys } from '../../../storage/keys/device-keys.ts'
import { nameNids } from '../../../storage/names.ts'
import type { Requester } from '../../accounts/sessions/sessions.ts'

/** A key of the user who signs. `json`: the text of the whole key object. */
export interface Signer {
  readonly keyId: string
  readonly publicKey: string
  readonly json: string
}

/** A published key, and which keys of the user may sign it. */
export interface SignableKey {
  readonly userNid: number
  readonly json: string
  readonly signers: readonly Signer[]
}

/** The published keys that a user may sign (spec: Cross-signing), and those it takes. */
export interface SignableKeys {
  /** The user's devices. */
  readonly devices: ReadonlySet<string>
  /** The texts of all keys concerned. */
  readonly texts: ReadonlySet<string>
  /** `target`: a device id of the signing user, or somebody's public master key. */
  find(userId: UserId, target: string): SignableKey | undefined
}

/** Reads what the user may sign of these users' keys. */
export async function readSignableKeys(
  db: Db,
  { userId: signerId, userNid: signerNid }: Requester,
  userIds: Iterable<UserId>,
): Promise<SignableKeys> {
  const nids = await nameNids(db, userIds)
  const rows = await listCrossSigningKeys(db, [...new Set([signerNid, ...nids.values()])])
  const devices = new Map((await listDeviceKeys(db, [signerNid])).map((row) => [row.device_id, row]))
  const byPublicKey = new Map(rows.map((row) => [`${row.user_nid} ${row.public_key}`, row]))
  const own = rows.filter((row) => row.user_nid === signerNid)
  const ownSigners = (usage: string) => own.filter((row) => row.usage === usage).map(signerOf)
  const deviceSigners = [...devices.values()].map(deviceSigner)
  return {
    devices: new Set(devices.keys()),
    texts: new Set([...rows, ...devices.values()].map(({ json }) => json)),
    find(userId, target) {
      const userNid = nids.get(userId)
      if (userNid === undefined) return undefined
      const device = userId === signerId ? devices.get(target) : undefined
      if (device) return { userNid, json: device.json, signers: ownSigners('self_signing') }
      const key = byPublicKey.get(`${userNid} ${target}`)
      if (key?.usage !== 'master') return undefined
      return { userNid, json: key.json, signers: userId === signerId ? deviceSigners : ownSigners('user_signing') }
    },
  }
}

const signerOf = ({ public_key, json }: CrossSigningKeyRow): Signer => ({
  keyId: `ed25519:${public_key}`,
  publicKey: public_key,
  json,
})

function deviceSigner({ device_id, json }: DeviceKeyRow): Signer {
  const keyId = `ed25519:${device_id}`
  const { keys } = JSON.parse(json)
  const publicKey = isObject(keys) ? keys[keyId] : undefined
  return { keyId, publicKey: typeof publicKey === 'string' ? publicKey : '', json }
}
