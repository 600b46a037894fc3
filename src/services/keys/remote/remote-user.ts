import { canonicalFlaw } from '../../../matrix/canonical-flaw.ts'
import { canonicalJson } from '../../../matrix/canonical-json.ts'
import { MatrixError } from '../../../matrix/errors.ts'
import type { UserId } from '../../../matrix/ids.ts'
import { isObject, type Json, type JsonObject, own } from '../../../matrix/json.ts'
import type { Usage } from '../../../storage/keys/cross-signing.ts'
import { type CrossSigningKey, readCrossSigningKey } from '../cross-signing/key.ts'

/** A device of another server's user that has keys. */
export interface RemoteDevice {
  readonly deviceId: string
  readonly displayName: string | null
  /** The device keys, as canonical JSON without `unsigned`. */
  readonly json: string
}

/** What a server says of one of its users: whatever has another shape than the specification says is left out. */
export interface RemoteUser {
  readonly devices: readonly RemoteDevice[]
  /** Master and self-signing key. */
  readonly crossSigning: readonly CrossSigningKey[]
  /** Undefined where the answer does not say which version of the list it holds. */
  readonly streamId: number | undefined
}

const MAX_DEVICES = 1_000
const MAX_KEY_BYTES = 16 * 1024
const MAX_NAME = 255

/** Reads an answer of `POST /user/keys/query`. Whoever is not in it has no devices. */
export function readKeysAnswer(answer: JsonObject, userIds: Iterable<UserId>): Map<UserId, RemoteUser> {
  const users = new Map<UserId, RemoteUser>()
  for (const userId of userIds) {
    const devices = Object.entries(asObject(own(own(answer, 'device_keys'), userId)))
    users.set(userId, {
      devices: devices.slice(0, MAX_DEVICES).flatMap(([deviceId, keys]) => {
        return readDevice(userId, deviceId, keys, own(own(keys, 'unsigned'), 'device_display_name')) ?? []
      }),
      crossSigning: readKeys(
        userId,
        own(own(answer, 'master_keys'), userId),
        own(own(answer, 'self_signing_keys'), userId),
      ),
      streamId: undefined,
    })
  }
  return users
}

/** Reads an answer of `GET /user/devices/{userId}`. */
export function readDevicesAnswer(answer: JsonObject, userId: UserId): RemoteUser {
  const devices = Array.isArray(answer.devices) ? answer.devices.slice(0, MAX_DEVICES) : []
  return {
    devices: devices.flatMap((device) => {
      const deviceId = own(device, 'device_id')
      if (typeof deviceId !== 'string') return []
      return readDevice(userId, deviceId, own(device, 'keys'), own(device, 'device_display_name')) ?? []
    }),
    crossSigning: readKeys(userId, answer.master_key, answer.self_signing_key),
    streamId: readStreamId(answer.stream_id),
  }
}

/** Undefined for keys that are not of this device. */
export function readDevice(
  userId: UserId,
  deviceId: string,
  keys: Json | undefined,
  displayName: Json | undefined,
): RemoteDevice | undefined {
  if (!isObject(keys) || keys.user_id !== userId || keys.device_id !== deviceId || deviceId.length > MAX_NAME) return
  const { unsigned: _, ...identity } = keys
  if (canonicalFlaw(identity, true) !== undefined) return
  const json = canonicalJson(identity)
  if (Buffer.byteLength(json) > MAX_KEY_BYTES) return
  const name = typeof displayName === 'string' && displayName.isWellFormed() ? displayName.replaceAll('\0', '') : ''
  return { deviceId, displayName: name === '' ? null : name.slice(0, MAX_NAME), json }
}

/** The two keys that others see, those of them that are given and of the right form. */
export function readKeys(userId: UserId, master: Json | undefined, selfSigning: Json | undefined): CrossSigningKey[] {
  return [readKey(userId, 'master', master), readKey(userId, 'self_signing', selfSigning)].filter(
    (key) => key !== undefined,
  )
}

/** Undefined where there is none that can be compared with others. */
export const readStreamId = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined

function readKey(userId: UserId, usage: Usage, object: Json | undefined): CrossSigningKey | undefined {
  if (!isObject(object)) return undefined
  try {
    return readCrossSigningKey(userId, usage, object)
  } catch (error) {
    if (error instanceof MatrixError) return undefined
    throw error
  }
}

const asObject = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
