import { isEventId } from '../../matrix/ids.ts'
import { isObject } from '../../matrix/json.ts'
import type { Pdu } from '../../room/event.ts'

export interface Relation {
  parentId: string
  relType: string
  /** The key of an annotation. */
  key: string | null
}

const MAX_REL_TYPE_BYTES = 255

/**
 * The relation that an event declares (`m.relates_to` with `rel_type` and `event_id`), if any. State events have none
 * (spec: client-server API, Forming relationships), and what no column can hold counts as none.
 */
export function relationOf({ content, state_key }: Pick<Pdu, 'content' | 'state_key'>): Relation | undefined {
  const relates = content['m.relates_to']
  if (!isObject(relates) || state_key !== undefined) return undefined
  const { event_id: parentId, rel_type: relType, key } = relates
  if (typeof parentId !== 'string' || !isEventId(parentId)) return undefined
  if (typeof relType !== 'string' || relType.includes('\u0000') || Buffer.byteLength(relType) > MAX_REL_TYPE_BYTES) {
    return undefined
  }
  const isKey = relType === 'm.annotation' && typeof key === 'string' && !key.includes('\u0000')
  return { parentId, relType, key: isKey ? key : null }
}
