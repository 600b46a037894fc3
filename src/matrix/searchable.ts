import { isObject, type JsonObject } from './json.ts'

/** The types of events that have a text to search in, and what clients call it (spec: Server Side Search). */
export const SEARCHED_TYPES = { 'm.room.message': 'body', 'm.room.name': 'name', 'm.room.topic': 'topic' } as const

export type SearchedType = keyof typeof SEARCHED_TYPES

export const isSearchedType = (type: string): type is SearchedType => Object.hasOwn(SEARCHED_TYPES, type)

/** The text of an event by which it is found; undefined: it has none. Files are found by their names too. */
export function searchableText(type: SearchedType, content: unknown): string | undefined {
  if (!isObject(content)) return undefined
  if (type === 'm.room.name') return textOf(content.name)
  if (type === 'm.room.topic') return textOf(content.topic) ?? plainTopic(content)
  const body = withoutQuote(textOf(content.body), content)
  const filename = textOf(content.filename)
  return filename === undefined || filename === body ? body : `${body ?? ''}\n${filename}`
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/** `body` of the plain representation in `m.topic`. */
function plainTopic(content: JsonObject): string | undefined {
  const topic = content['m.topic']
  const representations = isObject(topic) ? topic['m.text'] : undefined
  if (!Array.isArray(representations)) return undefined
  const plain = representations.find(
    (one) => isObject(one) && (one.mimetype === undefined || one.mimetype === 'text/plain'),
  )
  return isObject(plain) ? textOf(plain.body) : undefined
}

/** Older clients begin a reply with what it answers, in lines that begin with `> `: that was said by somebody else. */
function withoutQuote(body: string | undefined, content: JsonObject): string | undefined {
  const relates = content['m.relates_to']
  if (body === undefined || !isObject(relates) || !isObject(relates['m.in_reply_to'])) return body
  return body.replace(/^(?:> [^\n]*\n)+\n?/, '')
}
