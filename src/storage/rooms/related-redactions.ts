import type { RoomId, UserId } from '../../matrix/ids.ts'
import type { Db, Tx } from '../db.ts'
import { rawRows, rawRun } from '../run.ts'

/** What relates to an event is to be redacted on behalf of a user. */
export interface RelatedRedaction {
  readonly room_id: RoomId
  readonly parent_id: string
  readonly sender: UserId
  /** JSON texts: the relations that count, and the content of the redactions. */
  readonly rel_types: string
  readonly content: string
}

export interface QueuedRedaction extends RelatedRedaction {
  readonly id: number
  readonly room_nid: number
  /** Children up to this position have been seen to. */
  readonly after_pos: number
}

/** Backfilled events have negative positions. */
const FIRST_POS = -Number.MAX_SAFE_INTEGER

export async function insertRelatedRedaction(tx: Tx, row: RelatedRedaction): Promise<void> {
  await rawRun(
    tx,
    `insert into related_redaction (room_nid, parent_id, sender, rel_types, content, after_pos)
     select nid, ?, ?, ?, ?, ? from room where room_id = ?`,
    [row.parent_id, row.sender, row.rel_types, row.content, FIRST_POS, row.room_id],
  )
}

export const listRelatedRedactions = (db: Db, after: number, limit: number): Promise<QueuedRedaction[]> =>
  rawRows(
    db,
    `select q.*, r.room_id from related_redaction q join room r on r.nid = q.room_nid where q.id > ? order by q.id limit ?`,
    [after, limit],
  )

export async function updateRelatedRedaction(tx: Tx, id: number, afterPos: number): Promise<void> {
  await rawRun(tx, 'update related_redaction set after_pos = ? where id = ?', [afterPos, id])
}

export async function deleteRelatedRedaction(tx: Tx, id: number): Promise<void> {
  await rawRun(tx, 'delete from related_redaction where id = ?', [id])
}

export interface RelatedEvent {
  readonly event_id: string
  readonly pos: number
  readonly rel_type: string
  /** 1: of the sender and the type of what it relates to, as an edit must be. */
  readonly is_alike: number
}

/** A page of what relates to the event, in order of arrival; `after` is exclusive. */
export const listRelatedEvents = (
  db: Db,
  roomNid: number,
  parentId: string,
  after: number,
  limit: number,
): Promise<RelatedEvent[]> =>
  rawRows(
    db,
    `select e.event_id, r.pos, n.text as rel_type,
       case when r.sender_nid = p.sender_nid and r.type_nid = p.type_nid then 1 else 0 end as is_alike
     from relation r join event e on e.nid = r.event_nid join name n on n.nid = r.rel_type_nid
     join event p on p.event_id = r.parent_id
     where r.room_nid = ? and r.parent_id = ? and r.pos > ? order by r.pos limit ?`,
    [roomNid, parentId, after, limit],
  )
