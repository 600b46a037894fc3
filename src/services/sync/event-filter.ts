import { isObject } from '../../matrix/json.ts'
import type { Pdu } from '../../room/event.ts'
import type { EventFilterContent } from './filter-schema.ts'

/** What a filter looks at. */
export interface Filterable {
  readonly type: string
  readonly sender?: string | undefined
  readonly hasUrl?: boolean
  /** The relation that an event declares. */
  readonly relType?: string | undefined
}

/** A room's event as a filter looks at it: what was redacted is not there. */
export function filterable({ visible: { type, sender, content } }: { readonly visible: Pdu }): Filterable {
  if (!isObject(content)) return { type, sender }
  const relates = content['m.relates_to']
  const relType = isObject(relates) ? relates.rel_type : undefined
  return {
    type,
    sender,
    hasUrl: typeof content.url === 'string',
    relType: typeof relType === 'string' ? relType : undefined,
  }
}

/** One part of a filter, ready to judge events; of a list and its `not_` list the latter wins. */
export class EventFilter {
  readonly limit: number | undefined
  /** Nothing is filtered out. */
  readonly isOpen: boolean
  readonly #types: ((type: string) => boolean) | undefined
  readonly #notTypes: ((type: string) => boolean) | undefined
  readonly #senders: ReadonlySet<string> | undefined
  readonly #notSenders: ReadonlySet<string> | undefined
  readonly #rooms: ReadonlySet<string> | undefined
  readonly #notRooms: ReadonlySet<string> | undefined
  readonly #containsUrl: boolean | undefined
  readonly #relTypes: ReadonlySet<string> | undefined
  readonly #notRelTypes: ReadonlySet<string> | undefined

  constructor(content: EventFilterContent = {}) {
    this.limit = content.limit
    this.#types = content.types && typeMatcher(content.types)
    this.#notTypes = content.not_types && typeMatcher(content.not_types)
    this.#senders = setOf(content.senders)
    this.#notSenders = setOf(content.not_senders)
    this.#rooms = setOf(content.rooms)
    this.#notRooms = setOf(content.not_rooms)
    this.#containsUrl = content.contains_url
    this.#relTypes = setOf(content.rel_types ?? content['org.matrix.msc3874.rel_types'])
    this.#notRelTypes = setOf(content.not_rel_types ?? content['org.matrix.msc3874.not_rel_types'])
    this.isOpen = !(
      this.#types ||
      this.#notTypes ||
      this.#senders ||
      this.#notSenders ||
      this.#relTypes ||
      this.#notRelTypes ||
      this.#containsUrl !== undefined
    )
  }

  /** Whether the filter lets any event of the room through. */
  admitsRoom(roomId: string): boolean {
    return !this.#notRooms?.has(roomId) && (this.#rooms?.has(roomId) ?? true)
  }

  admits({ type, sender, hasUrl, relType = '' }: Filterable): boolean {
    if (this.isOpen) return true
    if (this.#notTypes?.(type) || !(this.#types?.(type) ?? true)) return false
    if (sender !== undefined && (this.#notSenders?.has(sender) || !(this.#senders?.has(sender) ?? true))) return false
    if (this.#notRelTypes?.has(relType) || !(this.#relTypes?.has(relType) ?? true)) return false
    return this.#containsUrl === undefined || this.#containsUrl === (hasUrl ?? false)
  }
}

const setOf = (list: readonly string[] | undefined): ReadonlySet<string> | undefined => list && new Set(list)

/** `*` stands for any characters in types; most have none and are found at once. */
function typeMatcher(types: readonly string[]): (type: string) => boolean {
  const exact = new Set(types.filter((type) => !type.includes('*')))
  const patterns = types.filter((type) => type.includes('*')).map(starsOnly)
  return (type) => exact.has(type) || patterns.some((matches) => matches(type))
}

/** Types are compared with regard to case, and `?` stands for itself: cut at the stars, pieces in order. */
function starsOnly(pattern: string): (type: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop() ?? ''
  return (type) => {
    if (!type.startsWith(first) || !type.endsWith(last) || type.length < first.length + last.length) return false
    let from = first.length
    const end = type.length - last.length
    for (const piece of rest) {
      const index = type.indexOf(piece, from)
      if (index < 0 || index + piece.length > end) return false
      from = index + piece.length
    }
    return true
  }
}
