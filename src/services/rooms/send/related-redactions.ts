import { MatrixError } from '../../../matrix/errors.ts'
import type { RoomId, UserId } from '../../../matrix/ids.ts'
import type { JsonObject } from '../../../matrix/json.ts'
import { type Db, transact } from '../../../storage/db.ts'
import * as table from '../../../storage/rooms/related-redactions.ts'
import type { Append } from '../append.ts'

interface Deps {
  readonly db: Db
  readonly append: Append
}

export interface RelatedWish {
  readonly roomId: RoomId
  /** The event that was redacted. */
  readonly eventId: string
  readonly sender: UserId
  /** Relations, or `*` for all. */
  readonly relTypes: readonly string[]
  /** Of the redactions. */
  readonly content: JsonObject
}

const PAGE = 50

/** Notes that what relates to an event is to be redacted: once this has resolved, it is certain to happen. */
export async function queueRelated(db: Db, { roomId, eventId, sender, relTypes, content }: RelatedWish): Promise<void> {
  const row = { room_id: roomId, parent_id: eventId, sender, rel_types: JSON.stringify(relTypes) }
  await transact(db, (tx) => table.insertRelatedRedaction(tx, { ...row, content: JSON.stringify(content) }))
}

/**
 * Redacts what relates to events that somebody has redacted (MSC3912): a thread may have thousands of replies. The list is
 * a table, so a restart goes on where it stopped; a page of each wish in turn, so that a long one holds up nobody else's.
 * What the user may not redact is passed over.
 * NOTSPEC: what relates to it and arrives later is left alone; a promise for all time would be looked up for every event.
 */
export async function redactRelated(deps: Deps, signal: AbortSignal): Promise<void> {
  for (let after = 0; !signal.aborted; ) {
    const wishes = await table.listRelatedRedactions(deps.db, after, PAGE)
    if (wishes.length === 0 && after === 0) return
    for (const wish of wishes) {
      if (signal.aborted) return
      await redactPage(deps, wish)
    }
    after = wishes.length < PAGE ? 0 : (wishes.at(-1)?.id ?? 0)
  }
}

async function redactPage({ db, append }: Deps, wish: table.QueuedRedaction): Promise<void> {
  const relTypes: readonly string[] = JSON.parse(wish.rel_types)
  const found = await table.listRelatedEvents(db, wish.room_nid, wish.parent_id, wish.after_pos, PAGE)
  for (const event of found) {
    const isNamed = relTypes.includes('*') || relTypes.includes(event.rel_type)
    // An edit by somebody else is none.
    if (isNamed && (event.rel_type !== 'm.replace' || event.is_alike === 1)) await redact(append, wish, event.event_id)
  }
  const last = found.length < PAGE ? undefined : found.at(-1)
  await transact(db, (tx) =>
    last ? table.updateRelatedRedaction(tx, wish.id, last.pos) : table.deleteRelatedRedaction(tx, wish.id),
  )
}

async function redact(append: Append, { room_id, sender, content }: table.QueuedRedaction, eventId: string) {
  const draft = { type: 'm.room.redaction', sender, redacts: eventId, content: JSON.parse(content) as JsonObject }
  try {
    await append.send(room_id, { draft })
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
  }
}
