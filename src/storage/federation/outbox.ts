import { chunks } from '../../util/chunks.ts'
import type { Db, Tx } from '../db.ts'
import { distinctIn } from '../distinct.ts'
import { insertRows, runIn, sendRows } from '../many.ts'
import { places, rawRows, rawRun, rawSend } from '../run.ts'

/** An event that waits to be sent to a server. */
export interface OutboxEventRow {
  server_nid: number
  event_nid: number
  room_nid: number
}

const MAX_AT_ONCE = 200

/** Queues events for all servers in their rooms but our own: one statement for however many there are. */
export function queueForRooms(tx: Tx, eventNids: readonly number[], ownNid: number): void {
  for (const part of chunks(eventNids, MAX_AT_ONCE)) {
    rawSend(
      tx,
      `insert into outbox_event (server_nid, event_nid, room_nid)
       select s.server_nid, e.nid, e.room_nid from event e join room_server s on s.room_nid = e.room_nid
       where e.nid in (${places(part.length)}) and s.server_nid <> ? and s.joined > 0 on conflict (server_nid, event_nid) do nothing`,
      [...part, ownNid],
    )
  }
}

/** Queues events for these servers. */
export function queueEvents(tx: Tx, rows: readonly OutboxEventRow[]): void {
  sendRows(
    tx,
    'outbox_event (server_nid, event_nid, room_nid)',
    rows.map(({ server_nid, event_nid, room_nid }) => [server_nid, event_nid, room_nid]),
    'on conflict (server_nid, event_nid) do nothing',
  )
}

/** What is no event and waits to be sent to a server: device lists and to-device messages, which must all arrive. */
export interface OutboxEduRow {
  server_nid: number
  /** JSON text. */
  edu: string
}

/** Queues what is no event. */
export async function queueEdus(tx: Tx, rows: readonly OutboxEduRow[]): Promise<void> {
  await insertRows(
    tx,
    'outbox_edu (server_nid, edu)',
    rows.map(({ server_nid, edu }) => [server_nid, edu]),
  )
}

/** The oldest events that wait for a server, in the order in which they came. */
export const listQueuedEvents = (
  db: Db,
  serverNid: number,
  limit: number,
): Promise<{ event_nid: number; event_id: string; json: string; ts: number }[]> =>
  rawRows(
    db,
    `select o.event_nid, e.event_id, e.json, e.ts from outbox_event o join event e on e.nid = o.event_nid
     where o.server_nid = ? order by o.event_nid limit ?`,
    [serverNid, limit],
  )

/** The oldest of the rest that waits for a server, in the order in which it came. */
export const listQueuedEdus = (db: Db, serverNid: number, limit: number): Promise<{ id: number; edu: string }[]> =>
  rawRows(db, 'select id, edu from outbox_edu where server_nid = ? order by id limit ?', [serverNid, limit])

/** Events up to this one have been sent. */
export async function deleteQueuedEvents(tx: Tx, serverNid: number, lastEventNid: number): Promise<void> {
  await rawRun(tx, 'delete from outbox_event where server_nid = ? and event_nid <= ?', [serverNid, lastEventNid])
}

export async function deleteQueuedEdus(tx: Tx, ids: readonly number[]): Promise<void> {
  await runIn(tx, 'delete from outbox_edu where id in', ids)
}

export type QueuedEvent = Omit<OutboxEventRow, 'server_nid'>

/** The newest events before this one that wait for a server, the newest first, by number and room. */
export const listQueuedBefore = (db: Db, serverNid: number, before: number, limit: number): Promise<QueuedEvent[]> =>
  rawRows(
    db,
    `select event_nid, room_nid from outbox_event where server_nid = ? and event_nid < ?
     order by event_nid desc limit ?`,
    [serverNid, before, limit],
  )

/** These events need not be sent. */
export async function deleteFromQueue(tx: Tx, serverNid: number, eventNids: readonly number[]): Promise<void> {
  await runIn(tx, 'delete from outbox_event where server_nid = ? and event_nid in', eventNids, [serverNid])
}

/** Forgets the oldest events and the oldest of the rest that wait for a server; returns how many of either, up to `limit`. */
export async function deleteQueue(tx: Tx, serverNid: number, limit: number): Promise<number> {
  const oldest = async (table: 'outbox_event' | 'outbox_edu', key: 'event_nid' | 'id') =>
    rawRun(
      tx,
      `delete from ${table} where server_nid = ? and ${key} in
         (select ${key} from ${table} where server_nid = ? order by ${key} limit ?)`,
      [serverNid, serverNid, limit],
    )
  return Math.max(await oldest('outbox_event', 'event_nid'), await oldest('outbox_edu', 'id'))
}

/** The servers for which something waits. */
export async function listWaitingServers(db: Db): Promise<string[]> {
  const rows = await rawRows<{ name: string }>(
    db,
    `select text as name from name where nid in
       (select nid from (${distinctIn('outbox_event', 'server_nid')}) e
        union select nid from (${distinctIn('outbox_edu', 'server_nid')}) u)`,
  )
  return rows.map(({ name }) => name)
}

/** What waits for each server: how many events and other things, and when the oldest event was made. */
export const listBacklogs = (
  db: Db,
): Promise<{ name: string; events: number; edus: number; oldest_ts: number | null }[]> =>
  rawRows(
    db,
    `select n.text as name, coalesce(o.events, 0) as events, coalesce(u.edus, 0) as edus, e.ts as oldest_ts
     from (select server_nid from outbox_event union select server_nid from outbox_edu) w
     join name n on n.nid = w.server_nid
     left join (select server_nid, count(*) as events, min(event_nid) as first from outbox_event group by server_nid) o
       on o.server_nid = w.server_nid
     left join (select server_nid, count(*) as edus from outbox_edu group by server_nid) u on u.server_nid = w.server_nid
     left join event e on e.nid = o.first`,
  )
