import { pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { hash as argon2Hash, verify as argon2Verify, parseOptions } from '@node-rs/argon2'

/** How new passwords are hashed. PBKDF2 is there for offices that must use a validated module. */
export type HashMethod =
  | { readonly kind: 'argon2id'; readonly memoryKiB: number; readonly passes: number; readonly lanes: number }
  | { readonly kind: 'pbkdf2-sha256'; readonly iterations: number }

const KEY_BYTES = 32
const SALT_BYTES = 16
const PBKDF2 = /^\$pbkdf2-sha256\$i=(\d{1,9})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/

const derive = promisify(pbkdf2)
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64').replaceAll('=', '')

/** Hashes off the event loop; the result names its method and parameters. */
export async function hashPassword(
  method: HashMethod,
  password: string,
  random: (bytes: number) => Uint8Array,
): Promise<string> {
  const salt = random(SALT_BYTES)
  if (method.kind === 'argon2id') return await argon2Hash(password, { ...argon2Options(method), salt })
  const key = await derive(password, salt, method.iterations, KEY_BYTES, 'sha256')
  return pbkdf2Text(method.iterations, salt, key)
}

/** Whether the password made this hash, whatever method that was made with. */
export async function verifyPassword(stored: string, password: string): Promise<boolean> {
  if (stored.startsWith('$argon2')) return await argon2Verify(stored, password)
  const [, iterations, salt, key] = PBKDF2.exec(stored) ?? []
  if (iterations === undefined || salt === undefined || key === undefined) {
    throw new Error('A stored password hash has an unknown form')
  }
  const expected = Buffer.from(key, 'base64')
  const found = await derive(password, Buffer.from(salt, 'base64'), Number(iterations), expected.length, 'sha256')
  return timingSafeEqual(found, expected)
}

/** Whether the hash was made with another method, or other parameters, than new ones are. */
export function isOutdated(method: HashMethod, stored: string): boolean {
  if (method.kind === 'pbkdf2-sha256') return PBKDF2.exec(stored)?.[1] !== String(method.iterations)
  if (!stored.startsWith('$argon2id$')) return true
  const { memoryCost, timeCost, parallelism } = parseOptions(stored)
  return memoryCost !== method.memoryKiB || timeCost !== method.passes || parallelism !== method.lanes
}

/** A hash of nothing that anybody knows, which costs as much to check as a real one. */
export function decoyHash(method: HashMethod, random: (bytes: number) => Uint8Array): string {
  const salt = random(SALT_BYTES)
  const key = random(KEY_BYTES)
  if (method.kind === 'pbkdf2-sha256') return pbkdf2Text(method.iterations, salt, key)
  const { memoryKiB, passes, lanes } = method
  return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${base64(salt)}$${base64(key)}`
}

const pbkdf2Text = (iterations: number, salt: Uint8Array, key: Uint8Array) =>
  `$pbkdf2-sha256$i=${iterations}$${base64(salt)}$${base64(key)}`

// argon2id is the library's default algorithm; its enum of them cannot be imported by isolated modules.
const argon2Options = ({ memoryKiB, passes, lanes }: Extract<HashMethod, { kind: 'argon2id' }>) => ({
  memoryCost: memoryKiB,
  timeCost: passes,
  parallelism: lanes,
  outputLen: KEY_BYTES,
})
