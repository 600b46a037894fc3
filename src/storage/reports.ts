import type { Db, Tx } from './db.ts'
import { rawRows, rawRun } from './run.ts'

/** What somebody reported: a room, an event of a room, or a user. */
export interface Reported {
  readonly roomId?: string
  readonly eventId?: string
  readonly userId?: string
}

export interface ReportRow {
  id: number
  reporter: string
  room_id: string | null
  event_id: string | null
  user_id: string | null
  reason: string
  received_ts: number
}

export async function insertReport(
  tx: Tx,
  reporter: string,
  { roomId, eventId, userId }: Reported,
  reason: string,
  receivedTs: number,
): Promise<void> {
  await rawRun(
    tx,
    'insert into report (reporter, room_id, event_id, user_id, reason, received_ts) values (?, ?, ?, ?, ?, ?)',
    [reporter, roomId ?? null, eventId ?? null, userId ?? null, reason, receivedTs],
  )
}

/** In the order of their arrival, from the one after `after` on. */
export const listReports = (db: Db, after: number, limit: number): Promise<ReportRow[]> =>
  rawRows(db, 'select * from report where id > ? order by id limit ?', [after, limit])
