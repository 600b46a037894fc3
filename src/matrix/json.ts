/** A JSON value as `JSON.parse` gives it. Floats and bigints appear only in room versions 1 to 5 (see `room/`). */
export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json | undefined }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
