import { isObject } from '../matrix/json.ts'
import type { Pdu } from '../room/event.ts'

/** A filter as clients send it (spec: Filtering, RoomEventFilter). What is absent lets everything through. */
export interface RoomEventFilter {
  readonly limit?: number | undefined
  readonly types?: readonly string[] | undefined
  readonly not_types?: readonly string[] | undefined
  readonly senders?: readonly string[] | undefined
  readonly not_senders?: readonly string[] | undefined
  readonly rooms?: readonly string[] | undefined
  readonly not_rooms?: readonly string[] | undefined
  readonly contains_url?: boolean | undefined
  /** MSC3874: by the relation that an event declares. */
  readonly rel_types?: readonly string[] | undefined
  readonly not_rel_types?: readonly string[] | undefined
  readonly lazy_load_members?: boolean | undefined
  readonly include_redundant_members?: boolean | undefined
  readonly unread_thread_notifications?: boolean | undefined
}

/** The event as a filter looks at it. */
type Filtered = Pick<Pdu, 'type' | 'sender' | 'content'>

/** Decides which events a filter lets through; made once for a request. */
export class EventMatcher {
  /** It lets every event of every room through. */
  readonly matchesAll: boolean
  readonly #checks: readonly ((event: Filtered) => boolean)[]
  readonly #rooms: ReadonlySet<string> | undefined
  readonly #notRooms: ReadonlySet<string>

  constructor(filter: RoomEventFilter) {
    this.#checks = checksOf(filter)
    this.#rooms = filter.rooms && new Set(filter.rooms)
    this.#notRooms = new Set(filter.not_rooms)
    this.matchesAll = this.#checks.length === 0 && !this.#rooms && this.#notRooms.size === 0
  }

  /** False: no event of this room can pass. */
  matchesRoom(roomId: string): boolean {
    return (this.#rooms?.has(roomId) ?? true) && !this.#notRooms.has(roomId)
  }

  /** Whether the event of a room that passes does, too. */
  matches(event: Filtered): boolean {
    return this.#checks.every((check) => check(event))
  }
}

function checksOf(filter: RoomEventFilter): ((event: Filtered) => boolean)[] {
  const checks: ((event: Filtered) => boolean)[] = []
  const { types, not_types, senders, not_senders, contains_url, rel_types, not_rel_types } = filter
  if (types) checks.push(({ type }) => types.some((pattern) => matchesPattern(type, pattern)))
  if (not_types?.length) checks.push(({ type }) => !not_types.some((pattern) => matchesPattern(type, pattern)))
  if (senders) {
    const wanted = new Set(senders)
    checks.push(({ sender }) => wanted.has(sender))
  }
  if (not_senders?.length) {
    const unwanted = new Set(not_senders)
    checks.push(({ sender }) => !unwanted.has(sender))
  }
  if (contains_url !== undefined) {
    checks.push(({ content }) => (typeof content.url === 'string') === contains_url)
  }
  if (rel_types) {
    checks.push((event) => {
      const relType = relTypeOf(event)
      return relType !== undefined && rel_types.includes(relType)
    })
  }
  if (not_rel_types?.length) {
    checks.push((event) => {
      const relType = relTypeOf(event)
      return relType === undefined || !not_rel_types.includes(relType)
    })
  }
  return checks
}

function relTypeOf({ content }: Filtered): string | undefined {
  const relates = content['m.relates_to']
  return isObject(relates) && typeof relates.rel_type === 'string' ? relates.rel_type : undefined
}

/** Whether a text has the form of a pattern, in which `*` stands for any characters. Takes linear time. */
export function matchesPattern(text: string, pattern: string): boolean {
  if (!pattern.includes('*')) return text === pattern
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop() ?? ''
  if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
