import type { Tx } from '../../../storage/db.ts'
import { nidOf } from '../../../storage/names.ts'
import { deleteRelation, insertRelations } from '../../../storage/rooms/relations.ts'
import { type Entry, keepsPlace } from '../entry.ts'
import { relationOf } from '../relation.ts'
import type { StoredEvent } from '../stored-event.ts'

/**
 * Writes which of the events relate to others, and ends the relations of those that others of them redact, or that turn
 * out not to belong into the timeline.
 */
export async function persistRelations(
  tx: Tx,
  entries: readonly Entry[],
  names: ReadonlyMap<string, number>,
): Promise<void> {
  const rows = entries.flatMap((entry) => {
    const { nid, pos, row, pdu, isTimeline } = entry.event
    const relation = isTimeline && !keepsPlace(entry) ? relationOf(pdu) : undefined
    if (!relation) return []
    return {
      room_nid: row.room_nid,
      parent_id: relation.parentId,
      pos,
      event_nid: nid,
      rel_type_nid: nidOf(names, relation.relType),
      type_nid: row.type_nid,
      sender_nid: row.sender_nid,
      agg_key: relation.key,
    }
  })
  if (rows.length > 0) await insertRelations(tx, rows)
  for (const { event, redacts, rejudged } of entries) {
    if (!event.isTimeline && typeof rejudged?.wasAt === 'number') await endRelation(tx, event, rejudged.wasAt)
    const target = event.isTimeline ? redacts?.target : undefined
    if (target?.isTimeline) await endRelation(tx, target, target.pos)
  }
}

async function endRelation(tx: Tx, { nid, row, pdu }: StoredEvent, pos: number): Promise<void> {
  const relation = relationOf(pdu)
  if (relation) await deleteRelation(tx, { room_nid: row.room_nid, parent_id: relation.parentId, pos, event_nid: nid })
}
