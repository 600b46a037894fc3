import { type ExactNumber, isExactNumber } from './exact-number.ts'

/** A JSON value: as `JSON.parse` gives it, or as `parseJson` does, with exact numbers (room versions 1 to 5). */
export type Json = null | boolean | number | string | ExactNumber | Json[] | JsonObject
export type JsonObject = { [key: string]: Json | undefined }

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactNumber(value)

/** The object's own value of this name; undefined where there is none, or no object. */
export const own = (object: Json | undefined, name: string): Json | undefined =>
  isObject(object) && Object.hasOwn(object, name) ? object[name] : undefined
