import { type Db, transact } from '../storage/db.ts'
import { nameNids } from '../storage/names.ts'
import { insertReport, listReports, type Reported, type ReportRow } from '../storage/reports.ts'
import { findRoom } from '../storage/rooms/rooms.ts'
import type { Clock } from '../util/clock.ts'
import { findVisible } from './reading/one-event.ts'
import type { Reading } from './reading/reading.ts'
import type { Viewer } from './rooms/view/viewer.ts'

interface Deps {
  readonly db: Db
  readonly clock: Clock
  readonly reading: Reading
  /** Counts a report, of whatever there is or is not; throws `M_LIMIT_EXCEEDED` when there were too many. */
  countReport(reporter: string): void
}

/** What users report to the administrator (spec: Reporting content). Kept until the administrator has read it. */
export class Reports {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Reports an event of a room that the reporter is in; `M_NOT_FOUND` where they cannot see it. */
  async reportEvent(reporter: Viewer, roomId: string, eventId: string, reason: string): Promise<void> {
    this.#deps.countReport(reporter.userId)
    await findVisible(this.#deps.reading, reporter, roomId, eventId)
    await this.#keep(reporter, { roomId, eventId }, reason)
  }

  /** Reports a room, also from outside. An unknown one is answered alike, so that nobody learns which exist. */
  async reportRoom(reporter: Viewer, roomId: string, reason: string): Promise<void> {
    this.#deps.countReport(reporter.userId)
    if (await findRoom(this.#deps.db, roomId)) await this.#keep(reporter, { roomId }, reason)
  }

  /** Reports a user. An unknown one is answered alike. */
  async reportUser(reporter: Viewer, userId: string, reason: string): Promise<void> {
    this.#deps.countReport(reporter.userId)
    const known = await nameNids(this.#deps.db, [userId])
    if (known.has(userId)) await this.#keep(reporter, { userId }, reason)
  }

  /** The reports after the one with this number, oldest first. */
  list(after: number, limit: number): Promise<ReportRow[]> {
    return listReports(this.#deps.db, after, limit)
  }

  #keep({ userId }: Viewer, reported: Reported, reason: string): Promise<void> {
    const { db, clock } = this.#deps
    return transact(db, (tx) => insertReport(tx, userId, reported, reason, clock.now()))
  }
}
