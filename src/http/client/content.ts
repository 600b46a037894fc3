import { z } from 'zod'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/** Event content and account data: any JSON object, handed on untouched (a parser that clones would drop keys). */
export const content = z.custom<JsonObject>(isObject, 'Must be a JSON object')
