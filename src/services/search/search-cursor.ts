import { invalidParam } from '../../matrix/errors.ts'
import type { SearchHit, SearchOrder } from '../../storage/search/store.ts'

/** Where a search goes on: behind a hit, in all rooms or only in one group. */
export interface SearchCursor {
  readonly order: SearchOrder
  readonly after: Pick<SearchHit, 'pos' | 'length'>
  readonly group?: { readonly by: 'room_id' | 'sender'; readonly nid: number } | undefined
}

const TOKEN = /^([nk])(\d{1,15})_(-?\d{1,15})(?:_([rs])(\d{1,15}))?$/

/** The token of the page that follows: its order, the place behind which it begins, its group. */
export function cursorToken({ order, after, group }: SearchCursor): string {
  const suffix = group ? `_${group.by === 'room_id' ? 'r' : 's'}${group.nid}` : ''
  return `${order === 'recent' ? 'n' : 'k'}${after.length}_${after.pos}${suffix}`
}

/** Throws `M_INVALID_PARAM` for what is no token of a search in this order. */
export function parseCursor(text: string, order: SearchOrder): SearchCursor {
  const match = TOKEN.exec(text)
  if (!match || (match[1] === 'n') !== (order === 'recent')) throw invalidParam('Not a token of this search')
  const [, , length, pos, by, nid] = match
  return {
    order,
    after: { length: Number(length), pos: Number(pos) },
    group: by === undefined ? undefined : { by: by === 'r' ? 'room_id' : 'sender', nid: Number(nid) },
  }
}
