import type { Phrase } from '../../util/search-tokens.ts'

/** Of what kind a text is: what clients call `content.body`, `content.name` and `content.topic`. */
export type TextKind = 'body' | 'name' | 'topic'

/** An event as the index holds it. */
export interface SearchDocument {
  /** Its position in the stream: the index is in order of arrival. */
  readonly pos: number
  readonly nid: number
  readonly roomNid: number
  readonly senderNid: number
  readonly kind: TextKind
  readonly tokens: readonly string[]
}

/** What is looked for, and where. */
export interface IndexQuery {
  readonly words: readonly (readonly Phrase[])[]
  readonly roomNids: readonly number[]
  /** undefined: by anybody. */
  readonly senderNids?: readonly number[] | undefined
  /** undefined: all. */
  readonly kinds?: readonly TextKind[] | undefined
}

/** By arrival, latest first; or by how much of a text it is that was looked for: shortest first. */
export type SearchOrder = 'recent' | 'rank'

export interface IndexPage {
  readonly order: SearchOrder
  /** The last one of the page before. */
  readonly after?: Pick<SearchHit, 'pos' | 'length'> | undefined
  readonly limit: number
}

export interface SearchHit {
  readonly pos: number
  readonly nid: number
  readonly roomNid: number
  /** Tokens of the text. */
  readonly length: number
}

/** How far the index has come. */
export interface IndexPlace {
  /** The last event number that was looked at, and the id of that event: another one there means another database. */
  readonly eventNid: number
  readonly eventId: string
  /** The last row of `search_again`. */
  readonly again: number
}

/** What one step changes. */
export interface IndexChange {
  readonly place: IndexPlace
  /** They take the place of what was there before. */
  readonly documents: readonly SearchDocument[]
  /** Positions. */
  readonly removed: readonly number[]
  /** Rooms of which nothing may be found any more. */
  readonly closedRooms: readonly number[]
}

/** Searches by rank look at so many of the latest hits. */
export const MAX_RANKED = 10_000

/** Changes when texts are cut up or stored otherwise: an index of another format is made anew. */
export const INDEX_FORMAT = 1

/**
 * The index of texts: a cache of what the events say, with its own idea of how far it has come. One for each database,
 * because full-text search is where they differ most; what a text consists of is the same (`util/search-tokens.ts`).
 */
export interface SearchStore {
  /** undefined: it is empty. */
  place(): Promise<IndexPlace | undefined>
  /** All of it or nothing. */
  write(change: IndexChange): Promise<void>
  /** Empties it. */
  clear(): Promise<void>
  find(query: IndexQuery, page: IndexPage): Promise<SearchHit[]>
  /** How many there are, up to `limit`. */
  count(query: IndexQuery, limit: number): Promise<number>
  close(): Promise<void>
}

// Facts about a document that are looked for like its words. No word begins with §.
export const roomToken = (roomNid: number): string => `§r${roomNid}`
export const senderToken = (senderNid: number): string => `§s${senderNid}`
export const kindToken = (kind: TextKind): string => `§${kind}`

export const factTokens = ({ roomNid, senderNid, kind }: SearchDocument): string[] => [
  roomToken(roomNid),
  senderToken(senderNid),
  kindToken(kind),
]
