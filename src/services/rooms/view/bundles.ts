import { isObject } from '../../../matrix/json.ts'
import type { Db } from '../../../storage/db.ts'
import { nameNids } from '../../../storage/names.ts'
import { listRelated, listReplacements, listReplacementsOf } from '../../../storage/rooms/relations.ts'
import type { LiveRoom } from '../live-room.ts'
import type { StoredEvent } from '../stored-event.ts'
import { type BundleDepth, ShownChildren } from './shown-children.ts'
import { threadBundles } from './thread-bundles.ts'
import type { Viewer } from './viewer.ts'
import type { IgnoredUsers, Visibility } from './visibility.ts'

interface Deps {
  readonly db: Db
  readonly visibility: Visibility
  readonly ignoredUsers: IgnoredUsers
  render(room: LiveRoom, events: readonly StoredEvent[], viewer: Viewer, depth: BundleDepth): Promise<string[]>
}

const THREAD = 'm.thread'
const REPLACE = 'm.replace'
const REFERENCE = 'm.reference'
const NONE: ReadonlyMap<number, string> = new Map()
/** References that are listed for the events of one answer; whoever needs more asks for the relations. */
const MAX_REFERENCES = 1_000
/** Replacements of one event that are looked through for one that the viewer may see. */
const MAX_EDITS = 50

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
    const { db } = this.#deps
    const relTypes = await nameNids(db, [THREAD, REPLACE, REFERENCE])
    const [replaceNid, referenceNid] = [relTypes.get(REPLACE), relTypes.get(REFERENCE)]
    const threadNid = depth === 'full' ? relTypes.get(THREAD) : undefined
    const children = new ShownChildren(this.#deps, room, viewer)
    const aggregations = [
      replaceNid === undefined ? NONE : await replacements(db, children, parents, replaceNid),
      referenceNid === undefined ? NONE : await references(db, children, parents, referenceNid),
      threadNid === undefined ? NONE : await threadBundles(this.#deps, children, parents, threadNid),
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

/** `m.replace`: the most recent valid replacement, in full; not for an event that was redacted. */
async function replacements(
  db: Db,
  children: ShownChildren,
  all: readonly StoredEvent[],
  relTypeNid: number,
): Promise<Map<number, string>> {
  const parents = all.filter((event) => !event.isRedacted)
  if (parents.length === 0) return new Map()
  const latest = await listReplacements(db, children.room.nid, idsOf(parents), relTypeNid)
  if (latest.size === 0) return new Map()
  const shown = await children.among([...latest.values()], isReplacement)
  const byId = new Map(shown.map((event) => [event.nid, event]))
  const chosen = new Map<string, StoredEvent>()
  for (const [parentId, row] of latest) {
    const event = byId.get(row.nid) ?? (await earlierReplacement(db, children, parentId, relTypeNid))
    if (event) chosen.set(parentId, event)
  }
  const texts = await children.render([...chosen.values()], 'none')
  return byParent(parents, (event) => {
    const text = texts.get(chosen.get(event.eventId)?.nid ?? 0)
    return text === undefined ? undefined : `"${REPLACE}":${text}`
  })
}

/** The most recent one that is valid and that the viewer may see, where that is not the most recent of all. */
async function earlierReplacement(
  db: Db,
  children: ShownChildren,
  parentId: string,
  relTypeNid: number,
): Promise<StoredEvent | undefined> {
  const rows = await listReplacementsOf(
    db,
    children.room.nid,
    parentId,
    relTypeNid,
    await children.horizon(),
    MAX_EDITS,
  )
  return (await children.among(rows, isReplacement))[0]
}

/** `m.reference`: the ids of the events that refer to this one. */
async function references(
  db: Db,
  children: ShownChildren,
  parents: readonly StoredEvent[],
  relTypeNid: number,
): Promise<Map<number, string>> {
  const rows = await listRelated(db, children.room.nid, idsOf(parents), relTypeNid, MAX_REFERENCES)
  if (rows.length === 0) return new Map()
  const shown = new Set((await children.among(rows)).map(({ nid }) => nid))
  const chunks = Map.groupBy(
    rows.filter(({ nid }) => shown.has(nid)),
    (row) => row.parent_id,
  )
  return byParent(parents, (event) => {
    const chunk = chunks.get(event.eventId)?.map(({ event_id }) => ({ event_id }))
    return chunk && `"${REFERENCE}":${JSON.stringify({ chunk })}`
  })
}

function byParent(
  parents: readonly StoredEvent[],
  textOf: (event: StoredEvent) => string | undefined,
): Map<number, string> {
  const texts = new Map<number, string>()
  for (const event of parents) {
    const text = textOf(event)
    if (text !== undefined) texts.set(event.nid, text)
  }
  return texts
}

const idsOf = (events: readonly StoredEvent[]): string[] => events.map((event) => event.eventId)

/** Encrypted replacements hide their `m.new_content` (spec: Validity of replacement events). */
const isReplacement = (event: StoredEvent): boolean =>
  !event.isState && (event.type === 'm.room.encrypted' || isObject(event.pdu.content['m.new_content']))
