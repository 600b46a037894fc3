import { isObject, type JsonObject } from '../../matrix/json.ts'
import { isSearchedType, SEARCHED_TYPES, searchableText } from '../../matrix/searchable.ts'
import { textTokens } from '../../util/search-tokens.ts'
import type { SearchSource, SourceEvent } from './source.ts'
import type { IndexPlace, SearchDocument, SearchStore } from './store.ts'

/** Events looked at in one step: about 15 ms of work, during which a search waits. */
const STEP = 300
const NOWHERE: IndexPlace = { eventNid: 0, eventId: '', again: 0 }

/**
 * Has the index follow the events by their numbers, which become visible in order: step by step, each with its place in
 * the same transaction. What happens to older events is seen by the events that bring it about (edits, redactions, a room
 * that is encrypted from now on), or by their rows in `search_again`.
 */
export class Follower {
  readonly #source: SearchSource
  readonly #store: SearchStore
  #place: IndexPlace | undefined

  constructor(source: SearchSource, store: SearchStore) {
    this.#source = source
    this.#store = store
  }

  /** How far it has come. Empties the index where it is not one of this database. */
  async place(): Promise<IndexPlace> {
    if (this.#place) return this.#place
    const found = await this.#store.place()
    const eventId = found && ((await this.#source.eventIdOf(found.eventNid)) ?? '')
    if (found && eventId !== found.eventId) await this.#store.clear()
    else if (found) return this.#remember(found)
    return this.#remember(NOWHERE)
  }

  /** Forgets everything and begins anew. */
  async restart(): Promise<void> {
    await this.#store.clear()
    this.#remember(NOWHERE)
  }

  /** Goes on towards the event with this number; returns how far it has come. */
  async step(upTo: number): Promise<IndexPlace> {
    const before = await this.place()
    const fresh = await this.#source.listNew(before.eventNid, upTo, STEP)
    const again = await this.#source.listAgain(before.again, STEP)
    if (before.eventNid >= upTo && again.length === 0) return before
    const eventNid = Math.max(before.eventNid, fresh.length === STEP ? (fresh.at(-1)?.nid ?? upTo) : upTo)
    const eventId = fresh.at(-1)?.nid === eventNid ? fresh.at(-1)?.event_id : await this.#source.eventIdOf(eventNid)
    const place = { eventNid, eventId: eventId ?? '', again: again.at(-1)?.id ?? before.again }

    const concerned = await this.#concerned(
      fresh,
      again.map((row) => row.event_nid),
    )
    const encrypted = await this.#source.encryptedRooms([...new Set(concerned.map((event) => event.room_nid))])
    const documents = await this.#documents(concerned.filter((event) => !encrypted.has(event.room_nid)))
    const kept = new Set(documents.map(({ pos }) => pos))
    const places = [...concerned.map((event) => event.pos), ...again.map((row) => row.was_at)]
    await this.#store.write({
      place,
      documents,
      removed: places.filter((pos) => pos !== null).filter((pos) => !kept.has(pos)),
      closedRooms: fresh.filter((event) => event.type === 'm.room.encryption').map((event) => event.room_nid),
    })
    return this.#remember(place)
  }

  /** The events whose documents may be others now. */
  async #concerned(fresh: readonly SourceEvent[], again: readonly number[]): Promise<SourceEvent[]> {
    const found = [...fresh, ...(await this.#source.byNid(again))]
    const redacted = await this.#source.byId(found.map(redactedId).filter((id) => id !== undefined))
    const all = [...found, ...redacted]
    const edited = await this.#source.byId(all.map(editedId).filter((id) => id !== undefined))
    const byNid = new Map([...all, ...edited].map((event) => [event.nid, event]))
    return [...byNid.values()].filter((event) => isSearchedType(event.type))
  }

  async #documents(events: readonly SourceEvent[]): Promise<SearchDocument[]> {
    const shown = events.filter(isShown)
    const replacements = await this.#source.replacements(
      shown.filter((event) => event.type === 'm.room.message').map((event) => event.nid),
    )
    return shown.flatMap((event) => {
      const { nid, pos, type } = event
      if (pos === null || !isSearchedType(type)) return []
      const tokens = textTokens(searchableText(type, contentOf(event, replacements.get(nid))) ?? '')
      if (tokens.length === 0) return []
      const facts = { pos, nid, roomNid: event.room_nid, senderNid: event.sender_nid, kind: SEARCHED_TYPES[type] }
      return { ...facts, tokens }
    })
  }

  #remember(place: IndexPlace): IndexPlace {
    this.#place = place
    return place
  }
}

/** An edit is found in place of what it edits, which has its text. */
const isShown = (event: SourceEvent): boolean =>
  event.kind === 0 &&
  event.redacted_by_nid === null &&
  event.is_state === (event.type === 'm.room.message' ? 0 : 1) &&
  editedId(event) === undefined

const parse = (json: string): JsonObject => {
  const value: unknown = JSON.parse(json)
  return isObject(value) ? value : {}
}

function contentOf({ json }: SourceEvent, replacement: string | undefined): unknown {
  const edit = replacement === undefined ? undefined : parse(replacement).content
  const edited = isObject(edit) ? edit['m.new_content'] : undefined
  return isObject(edited) ? edited : parse(json).content
}

/** The event that a redaction names. */
function redactedId({ type, json }: SourceEvent): string | undefined {
  if (type !== 'm.room.redaction') return undefined
  const { redacts, content } = parse(json)
  const id = redacts ?? (isObject(content) ? content.redacts : undefined)
  return typeof id === 'string' ? id : undefined
}

/** The event that an edit replaces. */
function editedId({ type, json }: SourceEvent): string | undefined {
  if (type !== 'm.room.message' || !json.includes('m.replace')) return undefined
  const { content } = parse(json)
  const relates = isObject(content) ? content['m.relates_to'] : undefined
  const id = isObject(relates) && relates.rel_type === 'm.replace' ? relates.event_id : undefined
  return typeof id === 'string' ? id : undefined
}
