// biome-ignore-all lint/suspicious/noExplicitAny: tests look into answers of many shapes, and a wrong one fails them
import type { User } from './client.ts'
import { joinVia, membershipBecomes, pair } from './federated.ts'

export const ALGORITHM = 'signed_curve25519'

/** Alice on one server and bob on another, with a room in common. */
export async function encryptedPair() {
  const made = await pair()
  const { alice, bob } = made
  const roomId = await alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } }],
  })
  await joinVia(bob, roomId, 'one.test')
  await membershipBecomes(alice, roomId, bob.userId, 'join')
  // What changes from here on is news to her.
  await alice.sync()
  return { ...made, roomId }
}

/** Publishes an identity for the user's device; another one for each `version`. */
export const publish = (user: User, version = '1'): Promise<any> =>
  user.post('/v3/keys/upload', {
    device_keys: {
      user_id: user.userId,
      device_id: user.deviceId,
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      keys: { [`ed25519:${user.deviceId}`]: `identity ${version}`, [`curve25519:${user.deviceId}`]: `key ${version}` },
      signatures: { [user.userId]: { [`ed25519:${user.deviceId}`]: 'signature' } },
    },
  })

/** Publishes one-time keys with these names. */
export const publishOneTime = (user: User, ...names: string[]): Promise<any> =>
  user.post('/v3/keys/upload', { one_time_keys: keysOf(names) })

export const publishFallback = (user: User, name: string): Promise<any> =>
  user.post('/v3/keys/upload', { fallback_keys: keysOf([name]) })

const keysOf = (names: string[]) =>
  Object.fromEntries(names.map((name) => [`${ALGORITHM}:${name}`, { key: name, signatures: {} }]))

/** The identities of a user's devices as another user gets them, and which servers failed. */
export async function devicesSeen(
  by: User,
  of: { userId: string },
): Promise<{ devices: Record<string, string>; failed: string[] }> {
  const { device_keys, failures } = await by.post('/v3/keys/query', { device_keys: { [of.userId]: [] } })
  const devices = Object.entries<any>(device_keys[of.userId] ?? {})
  return {
    devices: Object.fromEntries(devices.map(([id, { keys }]) => [id, keys[`curve25519:${id}`]])),
    failed: Object.keys(failures ?? {}),
  }
}

/** The name of the key that one gets for another's device; undefined: none. */
export async function claimed(by: User, of: User): Promise<string | undefined> {
  const { one_time_keys } = await by.post('/v3/keys/claim', {
    one_time_keys: { [of.userId]: { [of.deviceId]: ALGORITHM } },
  })
  return Object.values<any>(one_time_keys[of.userId]?.[of.deviceId] ?? {})[0]?.key
}

/** Sends a message to another's device, or to all of them (`*`). */
export const sendTo = (by: User, userId: string, device: string, content: object, txnId: string): Promise<any> =>
  by.put(`/v3/sendToDevice/m.test/${txnId}`, { messages: { [userId]: { [device]: content } } })
