import type { EventFilterContent } from './filter-schema.ts'

/** What a filter looks at. */
export interface Filterable {
  readonly type: string
  readonly sender?: string | undefined
  readonly hasUrl?: boolean
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

  constructor(content: EventFilterContent = {}) {
    this.limit = content.limit
    this.#types = content.types && typeMatcher(content.types)
    this.#notTypes = content.not_types && typeMatcher(content.not_types)
    this.#senders = setOf(content.senders)
    this.#notSenders = setOf(content.not_senders)
    this.#rooms = setOf(content.rooms)
    this.#notRooms = setOf(content.not_rooms)
    this.#containsUrl = content.contains_url
    this.isOpen = !(
      this.#types ||
      this.#notTypes ||
      this.#senders ||
      this.#notSenders ||
      this.#containsUrl !== undefined
    )
  }

  /** Whether the filter lets any event of the room through. */
  admitsRoom(roomId: string): boolean {
    return !this.#notRooms?.has(roomId) && (this.#rooms?.has(roomId) ?? true)
  }

  admits({ type, sender, hasUrl }: Filterable): boolean {
    if (this.isOpen) return true
    if (this.#notTypes?.(type) || !(this.#types?.(type) ?? true)) return false
    if (sender !== undefined && (this.#notSenders?.has(sender) || !(this.#senders?.has(sender) ?? true))) return false
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
