import { z } from 'zod'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/** The `auth` of a request that needs user-interactive authentication; `null` says as little as nothing. */
export const auth = z
  .custom<JsonObject>(isObject, 'Not an object')
  .nullish()
  .transform((given) => given ?? undefined)

/** A device id that a client chose. */
export const deviceId = z.string().refine((text) => Buffer.byteLength(text) <= 255, 'Longer than 255 bytes')

/** The name of a device, for people. */
export const deviceName = z.string().refine((text) => Buffer.byteLength(text) <= 1024, 'Longer than 1024 bytes')
