import { join } from 'node:path'
import Database from 'better-sqlite3'
import { prevEventIds, readPdu } from '../../src/room/event.ts'
import { roomVersion } from '../../src/room/versions.ts'
import { EVENT_KIND } from '../../src/storage/rooms/events.ts'

/** An event as a server has it. */
export interface Recorded {
  readonly eventId: string
  readonly kind: number
  readonly pos: number
  readonly type: string
  readonly sender: string
  readonly previous: readonly string[]
  /** When its sender's server made it: all servers have one clock. */
  readonly ts: number
  /** Whether the room's state after it is known. */
  readonly isPlaced: boolean
}

/** The tables of a server, read by SQLite alone while the server runs. */
export class Records {
  readonly #database: Database.Database

  constructor(directory: string) {
    this.#database = new Database(join(directory, 'bongsu.db'), { readonly: true })
  }

  close(): void {
    this.#database.close()
  }

  /** What waits: to be sent, or for other events. */
  waiting(): { toSend: number; held: number } {
    const count = (table: string) => this.#rows<{ n: number }>(`select count(*) as n from ${table}`)[0]?.n ?? 0
    return { toSend: count('outbox_event') + count('outbox_edu'), held: count('held_event') }
  }

  /** All events of a room, by id. */
  events(roomId: string): Map<string, Recorded> {
    const rows = this.#rows<{
      event_id: string
      kind: number
      pos: number
      type: string
      sender: string
      json: string
      version: string
      state_nid: number | null
    }>(
      `select e.event_id, e.kind, e.pos, n.text as type, s.text as sender, e.json, r.version, e.state_nid
       from event e join room r on r.nid = e.room_nid join name n on n.nid = e.type_nid
       join name s on s.nid = e.sender_nid where r.room_id = ?`,
      roomId,
    )
    return new Map(
      rows.map(({ event_id: eventId, kind, pos, type, sender, json, version, state_nid }) => {
        const known = roomVersion(version)
        const previous = known ? prevEventIds(readPdu(json, known)) : []
        const ts: number = JSON.parse(json).origin_server_ts
        return [eventId, { eventId, kind, pos, type, sender, previous, ts, isPlaced: state_nid !== null }]
      }),
    )
  }

  /** The ends of a room. */
  extremities(roomId: string): string[] {
    return this.#rows<{ event_id: string }>(
      `select e.event_id from extremity x join event e on e.nid = x.event_nid join room r on r.nid = x.room_nid
       where r.room_id = ? order by e.event_id`,
      roomId,
    ).map((row) => row.event_id)
  }

  /** The current state: event ids by `type|state_key`. */
  state(roomId: string): Map<string, string> {
    const rows = this.#rows<{ place: string; event_id: string }>(
      `select t.text || '|' || k.text as place, e.event_id from current_state s
       join room r on r.nid = s.room_nid join event e on e.nid = s.event_nid
       join name t on t.nid = s.type_nid join name k on k.nid = s.key_nid where r.room_id = ? order by place`,
      roomId,
    )
    return new Map(rows.map(({ place, event_id }) => [place, event_id]))
  }

  /** Who is in a room, as this server has it. */
  joined(roomId: string): string[] {
    return this.#rows<{ user_id: string }>(
      `select n.text as user_id from membership m join name n on n.nid = m.user_nid join room r on r.nid = m.room_nid
       where r.room_id = ? and m.membership = 'join' order by n.text`,
      roomId,
    ).map((row) => row.user_id)
  }

  /** The last position at which nobody of this server was in the room. */
  lastOutside(roomId: string, serverName: string): number {
    let last = -1
    let wasInside = false
    for (const { pos, isInside } of this.#presence(roomId, serverName)) {
      if (isInside && !wasInside) last = pos - 1
      else if (!isInside) last = pos
      wasInside = isInside
    }
    return last
  }

  /** When a server came into the room for the last time. */
  lastEntry(roomId: string, serverName: string): number {
    let last = 0
    let wasInside = false
    for (const { ts, isInside } of this.#presence(roomId, serverName)) {
      if (isInside && !wasInside) last = ts
      wasInside = isInside
    }
    return last
  }

  /** Whether somebody of a server was in the room before what happened at a position. */
  wasInside(roomId: string, serverName: string, pos: number): boolean {
    const before = [...this.#presence(roomId, serverName)].filter((change) => change.pos < pos)
    return before.at(-1)?.isInside ?? false
  }

  /** Whether somebody of a server was in the room, after each change of its members. */
  *#presence(roomId: string, serverName: string): Generator<{ pos: number; ts: number; isInside: boolean }> {
    const changes = this.#rows<{ pos: number; user_id: string; json: string | null }>(
      `select c.pos, k.text as user_id, e.json from state_change c join room r on r.nid = c.room_nid
       join name t on t.nid = c.type_nid join name k on k.nid = c.key_nid left join event e on e.nid = c.event_nid
       where r.room_id = ? and t.text = 'm.room.member' order by c.pos`,
      roomId,
    )
    const here = new Set<string>()
    for (const { pos, user_id: userId, json } of changes) {
      if (!userId.endsWith(`:${serverName}`)) continue
      const { content, origin_server_ts: ts = 0 } = json === null ? {} : JSON.parse(json)
      if (content?.membership === 'join') here.add(userId)
      else here.delete(userId)
      yield { pos, ts, isInside: here.size > 0 }
    }
  }

  /** What can never be right. */
  damage(): string[] {
    const checks: Record<string, string> = {
      'events beyond the counter': 'select count(*) as n from event, counter where event.pos > counter.pos',
      'entries of the state without their event':
        'select count(*) as n from current_state s left join event e on e.nid = s.event_nid where e.nid is null',
      'entries of the state that were rejected': `select count(*) as n from current_state s join event e on e.nid = s.event_nid where e.kind = ${EVENT_KIND.rejected}`,
      'members whose membership is not in the state': `select count(*) as n from membership m left join current_state s on s.room_nid = m.room_nid and s.key_nid = m.user_nid
         and s.type_nid = (select nid from name where text = 'm.room.member')
         where s.event_nid is not m.event_nid and m.membership = 'join'`,
    }
    return Object.entries(checks).flatMap(([what, sql]) => {
      const n = this.#rows<{ n: number }>(sql)[0]?.n ?? 0
      return n > 0 ? [`${n} ${what}`] : []
    })
  }

  #rows<Row>(sql: string, ...params: string[]): Row[] {
    return this.#database.prepare<string[], Row>(sql).all(...params)
  }
}
