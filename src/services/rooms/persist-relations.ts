import type { Tx } from '../../storage/db.ts'
import { deleteRelation, insertRelations } from '../../storage/relations.ts'
import type { Entry } from './entry.ts'
import { relationOf } from './relation.ts'

/** Writes which of the events relate to others, and ends the relations of those that others of them redact. */
export async function persistRelations(
  tx: Tx,
  entries: readonly Entry[],
  nidOf: (text: string) => number,
): Promise<void> {
  const rows = entries.flatMap(({ event: { nid, pos, row, pdu, isTimeline } }) => {
    const relation = isTimeline ? relationOf(pdu) : undefined
    if (!relation) return []
    return {
      room_nid: row.room_nid,
      parent_id: relation.parentId,
      pos,
      event_nid: nid,
      rel_type_nid: nidOf(relation.relType),
      type_nid: row.type_nid,
      sender_nid: row.sender_nid,
      agg_key: relation.key,
    }
  })
  if (rows.length > 0) await insertRelations(tx, rows)
  for (const { event, redacts } of entries) {
    const target = event.isTimeline ? redacts?.target : undefined
    const relation = target?.isTimeline ? relationOf(target.pdu) : undefined
    if (!target || !relation) continue
    const { nid, pos, row } = target
    await deleteRelation(tx, { room_nid: row.room_nid, parent_id: relation.parentId, pos, event_nid: nid })
  }
}
