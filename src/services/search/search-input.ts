import type { SearchOrder, TextKind } from '../../storage/search/store.ts'
import type { EventFilterContent } from '../sync/filter-schema.ts'

/** What a client searches for (spec: POST /search), parsed. */
export interface SearchInput {
  readonly term: string
  /** What to search in; undefined: everything. */
  readonly kinds: readonly TextKind[] | undefined
  readonly filter: EventFilterContent
  readonly order: SearchOrder
  /** undefined: events around the hits are not asked for. */
  readonly context: ContextRequest | undefined
  readonly includeState: boolean
  readonly groupBy: readonly ('room_id' | 'sender')[]
}

/** How much around a hit is shown. */
export interface ContextRequest {
  readonly before: number
  readonly after: number
  /** With the names that the senders had then. */
  readonly includeProfile: boolean
}
