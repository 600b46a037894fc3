import { badJson, invalidParam, MatrixError } from '../../matrix/errors.ts'
import type { Json, JsonObject } from '../../matrix/json.ts'

const MAX_KEY_BYTES = 255
const MAX_NAME_CHARS = 256
const MAX_URL_CHARS = 1000
/** Spec: Common Namespaced Identifier Grammar. */
const NAMESPACED = /^[a-z][a-z0-9_.-]*$/

/** Fields that the user's member events show as well. */
export const DISPLAYED: readonly string[] = ['displayname', 'avatar_url']

/** Texts by which colleagues find somebody beside the name; clients show them or not. */
const DETAILS: readonly string[] = ['kr.go.department', 'kr.go.position', 'kr.go.extension']
const MAX_DETAIL_CHARS = 100

/** What the user directory knows of a user. */
export const SEARCHED: readonly string[] = [...DISPLAYED, ...DETAILS]

/** Department, position and extension as one text; undefined: the profile says nothing of them. */
export function detailsOf(profile: JsonObject): string | undefined {
  const texts = DETAILS.map((field) => profile[field])
    .filter((value) => typeof value === 'string')
    .map((value) => value.slice(0, MAX_DETAIL_CHARS).normalize('NFC'))
  return texts.length === 0 ? undefined : texts.join(' ')
}

/** Throws `M_KEY_TOO_LARGE`, or `M_INVALID_PARAM` for a name that no field can have. */
export function checkFieldName(field: string): void {
  if (Buffer.byteLength(field) > MAX_KEY_BYTES) {
    throw new MatrixError('M_KEY_TOO_LARGE', `The name of a field has at most ${MAX_KEY_BYTES} bytes`)
  }
  if (!NAMESPACED.test(field)) throw invalidParam('Not the name of a profile field')
}

/** What is stored of a value; `undefined`: nothing, the field goes. Throws for a value that the field cannot have. */
export function fieldValue(field: string, value: Json): Json | undefined {
  if (field === 'displayname')
    return shortText(typeof value === 'string' ? value.normalize('NFC') : value, MAX_NAME_CHARS)
  if (field === 'avatar_url') return shortText(value, MAX_URL_CHARS)
  if (field === 'm.tz' && typeof value !== 'string') throw badJson('A time zone is a text')
  return value
}

/** Clients take a name or a picture away by an empty text, older ones by null. */
function shortText(value: Json, maxChars: number): Json | undefined {
  if (value === null || value === '') return undefined
  if (typeof value !== 'string') throw badJson('Not a text')
  if (value.length > maxChars) throw invalidParam(`Longer than ${maxChars} characters`)
  return value
}
