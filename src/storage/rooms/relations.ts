import type { Db, Tx } from '../db.ts'
import { rowsIn, sendRows } from '../many.ts'
import { nameNids } from '../names.ts'
import { places, rawRows } from '../run.ts'
import { type EventRow, selectEvents } from './events.ts'
import { deleteReply, insertReplies } from './threads.ts'

/** One row of `relation`: a child event and the parent that it names. Both are events of the same room. */
export interface RelationRow {
  room_nid: number
  parent_id: string
  pos: number
  event_nid: number
  rel_type_nid: number
  type_nid: number
  sender_nid: number
  agg_key: string | null
}

const COLUMNS = [
  'room_nid',
  'parent_id',
  'pos',
  'event_nid',
  'rel_type_nid',
  'type_nid',
  'sender_nid',
  'agg_key',
] as const

/** Records which events relate to which; a reply in a thread also moves the thread. */
export async function insertRelations(tx: Tx, rows: readonly RelationRow[]): Promise<void> {
  if (rows.length === 0) return
  sendRows(
    tx,
    `relation (${COLUMNS.join(', ')})`,
    rows.map((row) => COLUMNS.map((column) => row[column])),
  )
  const threadNid = await threadTypeNid(tx)
  const replies = rows.filter((row) => row.rel_type_nid === threadNid)
  if (replies.length > 0) insertReplies(tx, replies)
}

/** Ends the relation of an event that was redacted (spec: Aggregations of child events). */
export async function deleteRelation(
  tx: Tx,
  child: Pick<RelationRow, 'room_nid' | 'parent_id' | 'pos' | 'event_nid'>,
): Promise<void> {
  const { room_nid, parent_id, pos, event_nid } = child
  const [deleted] = await rawRows<{ rel_type_nid: number; sender_nid: number }>(
    tx,
    `delete from relation where room_nid = ? and parent_id = ? and pos = ? and event_nid = ?
     returning rel_type_nid, sender_nid`,
    [room_nid, parent_id, pos, event_nid],
  )
  if (deleted && deleted.rel_type_nid === (await threadTypeNid(tx))) await deleteReply(tx, child, deleted)
}

/** The number of `m.thread`, undefined before the first thread of this database. */
const threadTypeNid = async (db: Db): Promise<number | undefined> => (await nameNids(db, [THREAD])).get(THREAD)

const THREAD = 'm.thread'

/** The annotations that these senders have made of these events. */
export const listAnnotations = (
  db: Db,
  roomNid: number,
  parentIds: readonly string[],
  senderNids: readonly number[],
): Promise<Pick<RelationRow, 'parent_id' | 'sender_nid' | 'type_nid' | 'agg_key'>[]> =>
  rawRows(
    db,
    `select parent_id, sender_nid, type_nid, agg_key from relation where room_nid = ?
     and parent_id in (${places(parentIds.length)}) and sender_nid in (${places(senderNids.length)})
     and agg_key is not null`,
    [roomNid, ...parentIds, ...senderNids],
  )

/** Those of the events that others of their room relate to. */
export async function listRelatedTo(db: Db, roomNid: number, eventIds: readonly string[]): Promise<string[]> {
  const rows = await rowsIn<{ event_id: string }>(
    db,
    `select e.event_id from event e
     where exists (select 1 from relation r where r.room_nid = ? and r.parent_id = e.event_id) and e.event_id in`,
    eventIds,
    [roomNid],
  )
  return rows.map((row) => row.event_id)
}

/** A page of children, in order of arrival. `after` and `before` are exclusive positions. */
export interface ChildrenPage {
  after: number
  before: number
  backward: boolean
  limit: number
  relTypeNid?: number | undefined
  typeNid?: number | undefined
}

/**
 * Children of an event, of one relation and event type or of all of them. (Of `relation` only what its index holds is
 * asked for, here and below: else SQLite reads all that relates to the event.)
 */
export function listChildren(db: Db, roomNid: number, parentId: string, page: ChildrenPage): Promise<EventRow[]> {
  const { after, before, backward, limit, relTypeNid, typeNid } = page
  const types = [relTypeNid, typeNid].filter((nid) => nid !== undefined)
  return selectEvents(
    db,
    `from relation r join event e on e.nid = r.event_nid where r.room_nid = ? and r.parent_id = ?
     and r.pos > ? and r.pos < ?
     ${relTypeNid === undefined ? '' : 'and r.rel_type_nid = ?'} ${typeNid === undefined ? '' : 'and e.type_nid = ?'}
     order by r.pos ${backward ? 'desc' : 'asc'} limit ?`,
    [roomNid, parentId, after, before, ...types, limit],
  )
}

/** A child as the walk through a tree of relations needs it. */
export interface Child {
  event_id: string
  event_nid: number
  pos: number
  rel_type_nid: number
  type_nid: number
}

/** The newest children of several events. */
export const listChildrenOfAll = (
  db: Db,
  roomNid: number,
  parentIds: readonly string[],
  limit: number,
): Promise<Child[]> =>
  rawRows<Child>(
    db,
    `select e.event_id, r.event_nid, r.pos, r.rel_type_nid, r.type_nid from relation r join event e on e.nid = r.event_nid
     where r.room_nid = ? and r.parent_id in (${places(parentIds.length)}) order by r.pos desc limit ?`,
    [roomNid, ...parentIds, limit],
  )

/**
 * The most recent replacement of each of these events: by the same sender, of the same type, latest by
 * origin_server_ts and then event id (spec: Event replacements).
 */
export async function listReplacements(
  db: Db,
  roomNid: number,
  parentIds: readonly string[],
  relTypeNid: number,
): Promise<Map<string, EventRow>> {
  const rows = await selectEvents<{ parent_id: string }>(
    db,
    `from event p join event e on e.nid = (
       select r.event_nid from relation r join event c on c.nid = r.event_nid
       where r.room_nid = ? and r.parent_id = p.event_id and r.rel_type_nid = ?
         and c.sender_nid = p.sender_nid and c.type_nid = p.type_nid
       order by c.ts desc, c.event_id desc limit 1)
     where p.event_id in (${places(parentIds.length)})`,
    [roomNid, relTypeNid, ...parentIds],
    'p.event_id as parent_id',
  )
  return new Map(rows.map((row) => [row.parent_id, row]))
}

/** The replacements of one event that arrived up to a position, the most recent first. */
export const listReplacementsOf = (
  db: Db,
  roomNid: number,
  parentId: string,
  relTypeNid: number,
  upTo: number,
  limit: number,
): Promise<EventRow[]> =>
  selectEvents(
    db,
    `from event p join relation r on r.parent_id = p.event_id join event e on e.nid = r.event_nid
     where p.event_id = ? and r.room_nid = ? and r.rel_type_nid = ? and r.pos <= ?
       and r.sender_nid = p.sender_nid and r.type_nid = p.type_nid
     order by e.ts desc, e.event_id desc limit ?`,
    [parentId, roomNid, relTypeNid, upTo, limit],
  )

/** Children of these events by one relation, in order of arrival. */
export const listRelated = (
  db: Db,
  roomNid: number,
  parentIds: readonly string[],
  relTypeNid: number,
  limit: number,
): Promise<(EventRow & { parent_id: string })[]> =>
  selectEvents<{ parent_id: string }>(
    db,
    `from relation r join event e on e.nid = r.event_nid
     where r.room_nid = ? and r.parent_id in (${places(parentIds.length)}) and r.rel_type_nid = ?
     order by r.pos limit ?`,
    [roomNid, ...parentIds, relTypeNid, limit],
    'r.parent_id',
  )
