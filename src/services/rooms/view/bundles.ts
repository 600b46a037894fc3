import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { eventsByNid } from '../../../storage/rooms/events.ts'
import { listRelated, listReplacements } from '../../../storage/rooms/relations.ts'
import { listReplies, listRepliesBy, type ThreadRow, threadsOf } from '../../../storage/rooms/threads.ts'
import type { LiveRoom } from '../live-room.ts'
import { StoredEvent } from '../stored-event.ts'
import { isJoined } from './standing.ts'
import type { Viewer } from './viewer.ts'
import type { IgnoredUsers, Visibility } from './visibility.ts'

/** 'full'; 'nested' without threads, for an event inside an aggregation; 'none'. So no chain of relations is followed. */
export type BundleDepth = 'full' | 'nested' | 'none'

interface Deps {
  db: Db
  visibility: Visibility
  ignoredUsers: IgnoredUsers
  render(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer, depth: BundleDepth): Promise<string[]>
}

const THREAD = 'm.thread'
const REPLACE = 'm.replace'
const REFERENCE = 'm.reference'
/** References that are listed for the events of one answer; whoever needs more asks for the relations. */
const MAX_REFERENCES = 1_000
/** Replies that are looked through for the newest one that the viewer may see. */
const MAX_REPLIES = 50
/** Up to where the replies of a thread are counted for somebody who may not see all of them. */
const MAX_COUNTED = 1_000

/**
 * Bundled aggregations: what `unsigned` says of an event's children (spec: Aggregations of child events). Children that
 * the viewer may not see or whose senders the viewer ignores do not count.
 */
export class Bundles {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `"m.relations":{…}` for those of the events that have children, by number. */
  async of(
    room: LiveRoom,
    events: readonly StoredEvent[],
    viewer: Viewer,
    depth: BundleDepth,
  ): Promise<Map<number, string>> {
    const { tail } = room
    const parents = events.filter((event) => canHaveChildren(event) && (tail.isRelated(event) || !tail.covers(event)))
    if (parents.length === 0) return new Map()
    const relTypes = await nameNids(this.#deps.db, [THREAD, REPLACE, REFERENCE])
    if (relTypes.size === 0) return new Map()
    const look = new Look(this.#deps, room, parents, viewer)
    const aggregations = [
      await look.replacements(relTypes.get(REPLACE)),
      await look.references(relTypes.get(REFERENCE)),
      depth === 'full' ? await look.threads(relTypes.get(THREAD)) : new Map<number, string>(),
    ]
    const bundles = new Map<number, string>()
    for (const { nid } of parents) {
      const texts = aggregations.map((texts) => texts.get(nid)).filter((text) => text !== undefined)
      if (texts.length > 0) bundles.set(nid, `"m.relations":{${texts.join(',')}}`)
    }
    return bundles
  }
}

/** State events get no aggregations; replacements and annotations have no children of their own. */
function canHaveChildren(event: StoredEvent): boolean {
  if (event.isState) return false
  const relates = event.pdu.content['m.relates_to']
  const relType = isObject(relates) ? relates.rel_type : undefined
  return relType !== REPLACE && relType !== 'm.annotation'
}

/** One look at the children of some events of a room. */
class Look {
  readonly #deps: Deps
  readonly #room: LiveRoom
  readonly #parents: readonly StoredEvent[]
  readonly #viewer: Viewer

  constructor(deps: Deps, room: LiveRoom, parents: readonly StoredEvent[], viewer: Viewer) {
    this.#deps = deps
    this.#room = room
    this.#parents = parents
    this.#viewer = viewer
  }

  /** `m.replace`: the most recent valid replacement, in full; not for an event that was redacted. */
  async replacements(relTypeNid: number | undefined): Promise<Map<number, string>> {
    const parents = this.#parents.filter((event) => !event.isRedacted)
    if (relTypeNid === undefined || parents.length === 0) return new Map()
    const latest = await listReplacements(this.#deps.db, this.#room.nid, idsOf(parents), relTypeNid)
    if (latest.size === 0) return new Map()
    const children = await this.#shown([...latest.values()].map((row) => this.#wrap(row)).filter(isReplacement))
    const texts = await this.#render(children, 'none')
    return this.#byParent(parents, (event) => {
      const text = texts.get(latest.get(event.eventId)?.nid ?? 0)
      return text === undefined ? undefined : `"${REPLACE}":${text}`
    })
  }

  /** `m.reference`: the ids of the events that refer to this one. */
  async references(relTypeNid: number | undefined): Promise<Map<number, string>> {
    if (relTypeNid === undefined) return new Map()
    const rows = await listRelated(this.#deps.db, this.#room.nid, idsOf(this.#parents), relTypeNid, MAX_REFERENCES)
    if (rows.length === 0) return new Map()
    const parentOf = new Map(rows.map((row) => [row.nid, row.parent_id]))
    const chunks = new Map<string, { event_id: string }[]>()
    for (const { nid, eventId } of await this.#shown(rows.map((row) => this.#wrap(row)))) {
      const parentId = parentOf.get(nid) as string
      const chunk = chunks.get(parentId) ?? []
      chunks.set(parentId, chunk)
      chunk.push({ event_id: eventId })
    }
    return this.#byParent(this.#parents, (event) => {
      const chunk = chunks.get(event.eventId)
      return chunk && `"${REFERENCE}":${JSON.stringify({ chunk })}`
    })
  }

  /** `m.thread`: the newest reply, how many there are, and whether the viewer took part. */
  async threads(relTypeNid: number | undefined): Promise<Map<number, string>> {
    if (relTypeNid === undefined) return new Map()
    const { db } = this.#deps
    const roomNid = this.#room.nid
    const threads = await threadsOf(db, roomNid, idsOf(this.#parents))
    if (threads.size === 0) return new Map()
    const rootIds = [...threads.keys()]
    const ignored = await nameNids(db, await this.#deps.ignoredUsers(this.#viewer.userId))
    const senders = [this.#viewer.userNid, ...ignored.values()]
    const counts = await listRepliesBy(db, roomNid, rootIds, senders)
    const latest = await this.#latestReplies(threads, relTypeNid)
    const texts = await this.#render([...latest.values()], 'nested')
    const byParent = new Map<number, string>()
    for (const { nid, eventId, row } of this.#parents) {
      const thread = threads.get(eventId)
      const text = texts.get(latest.get(eventId)?.nid ?? 0)
      if (!thread || text === undefined) continue
      const own = counts.filter((count) => count.root_id === eventId)
      const isOwn = row.sender_nid === this.#viewer.userNid
      const participated = isOwn || own.some((count) => count.sender_nid === this.#viewer.userNid)
      const count = await this.#countReplies(thread, relTypeNid, own)
      byParent.set(
        nid,
        `"${THREAD}":{"latest_event":${text},"count":${count},"current_user_participated":${participated}}`,
      )
    }
    return byParent
  }

  /** The newest reply of each thread that the viewer may see, by the id of the root. */
  async #latestReplies(threads: ReadonlyMap<string, ThreadRow>, relTypeNid: number): Promise<Map<string, StoredEvent>> {
    const { db } = this.#deps
    const rows = await eventsByNid(
      db,
      [...threads.values()].map((thread) => thread.latest_nid),
    )
    const shown = new Map((await this.#shown(rows.map((row) => this.#wrap(row)))).map((event) => [event.nid, event]))
    const latest = new Map<string, StoredEvent>()
    for (const [rootId, thread] of threads) {
      const event = shown.get(thread.latest_nid) ?? (await this.#earlierReply(rootId, thread, relTypeNid))
      if (event) latest.set(rootId, event)
    }
    return latest
  }

  async #earlierReply(rootId: string, thread: ThreadRow, relTypeNid: number): Promise<StoredEvent | undefined> {
    const { db } = this.#deps
    const rows = await listReplies(db, this.#room.nid, rootId, relTypeNid, thread.latest_pos, MAX_REPLIES)
    return (await this.#shown(rows.map((row) => this.#wrap(row))))[0]
  }

  async #countReplies(
    thread: ThreadRow,
    relTypeNid: number,
    bySender: readonly { sender_nid: number; replies: number }[],
  ): Promise<number> {
    const { db, visibility } = this.#deps
    const viewer = this.#viewer
    if (!isJoined(this.#room, viewer)) {
      const { joinedUntil } = await visibility.standing(this.#room, viewer)
      const upTo = Math.min(joinedUntil, thread.latest_pos)
      return (await listReplies(db, this.#room.nid, thread.root_id, relTypeNid, upTo, MAX_COUNTED)).length
    }
    const ofIgnored = bySender.filter((count) => count.sender_nid !== viewer.userNid)
    return thread.replies - ofIgnored.reduce((sum, { replies }) => sum + replies, 0)
  }

  /** Those of the children that count for the viewer. */
  #shown(children: readonly StoredEvent[]): Promise<StoredEvent[]> {
    return this.#deps.visibility.visibleEvents(this.#room, children, this.#viewer)
  }

  async #render(events: readonly StoredEvent[], depth: BundleDepth): Promise<Map<number, string>> {
    const texts = await this.#deps.render(this.#room, events, this.#viewer, depth)
    return new Map(events.map((event, index) => [event.nid, texts[index] as string]))
  }

  #byParent(parents: readonly StoredEvent[], textOf: (event: StoredEvent) => string | undefined): Map<number, string> {
    const byParent = new Map<number, string>()
    for (const event of parents) {
      const text = textOf(event)
      if (text !== undefined) byParent.set(event.nid, text)
    }
    return byParent
  }

  #wrap(row: ConstructorParameters<typeof StoredEvent>[0]): StoredEvent {
    return new StoredEvent(row, this.#room.roomId, this.#room.version)
  }
}

const idsOf = (events: readonly StoredEvent[]): string[] => events.map((event) => event.eventId)

/** Encrypted replacements hide their `m.new_content` (spec: Validity of replacement events). */
const isReplacement = (event: StoredEvent): boolean =>
  !event.isState && (event.type === 'm.room.encrypted' || isObject(event.pdu.content['m.new_content']))
