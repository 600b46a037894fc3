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

/** Opaque, and chosen by the client (spec: Opaque identifiers). */
export const opaque = z
  .string()
  .regex(/^[0-9a-zA-Z.=_-]{1,255}$/, 'Must have 1 to 255 of the characters 0-9 a-z A-Z . = _ -')
