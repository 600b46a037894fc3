import { canonicalJson } from '../../matrix/canonical-json.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'

/** Something that is no event (spec: server-server API, EDUs). */
export interface Edu {
  readonly type: string
  readonly content: JsonObject
}

/** Where it goes. */
export interface Letter {
  readonly servers: Iterable<string>
  readonly edu: Edu
}

/** Its canonical text, as it stands in a transaction. */
export const eduText = ({ type, content }: Edu): string => canonicalJson({ edu_type: type, content })

/** The type of an EDU, from its text: its contents, which may be secret, do not belong in a log. */
export function eduType(text: string): string {
  const edu: unknown = JSON.parse(text)
  return isObject(edu) && typeof edu.edu_type === 'string' ? edu.edu_type : 'unknown'
}
