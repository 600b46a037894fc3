import { isObject, type Json } from '../../matrix/json.ts'
import type { Pdu } from '../../room/event.ts'
import { relationOf } from '../rooms/relation.ts'
import type { Plan } from './plan.ts'

/** What conditions ask of the room. */
export interface RoomFacts {
  roomId: string
  joinedMembers: number
  /** Whether the event's sender has the power for this kind of notification (`room`: @room). */
  senderMayNotify(kind: string): boolean
}

/** A rule set that is ready to judge events: `CompiledRules`. */
interface Planning {
  plan(event: PushEvent): Plan
}

/** An event as push rules look at it. What it yields for a rule set is worked out once, for all who share that set. */
export class PushEvent {
  readonly facts: RoomFacts
  readonly #pdu: Pdu
  readonly #eventId: string
  readonly #plans = new Map<Planning, Plan>()
  // null: it has none.
  #body: string | null | undefined

  constructor(pdu: Pdu, eventId: string, facts: RoomFacts) {
    this.#pdu = pdu
    this.#eventId = eventId
    this.facts = facts
  }

  get sender(): string {
    return this.#pdu.sender
  }

  /** The text of `content.body` in lower case. */
  get body(): string | undefined {
    if (this.#body === undefined) {
      const { body } = isObject(this.#pdu.content) ? this.#pdu.content : {}
      this.#body = typeof body === 'string' ? body.toLowerCase() : null
    }
    return this.#body ?? undefined
  }

  /** Whether the sender has said whom the event mentions (`m.mentions`). */
  get saysWhomItMentions(): boolean {
    return isObject(this.#pdu.content) && this.#pdu.content['m.mentions'] !== undefined
  }

  /** The root of the thread that the event is in. */
  get thread(): string | undefined {
    const relation = relationOf(this.#pdu)
    return relation?.relType === 'm.thread' ? relation.parentId : undefined
  }

  property(path: readonly string[]): Json | undefined {
    const [first, ...rest] = path
    if (first === 'event_id' && rest.length === 0) return this.#eventId
    if (first === 'room_id' && rest.length === 0) return this.facts.roomId
    let value: unknown = this.#pdu
    for (const name of path) {
      if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
      value = value[name]
    }
    return value as Json | undefined
  }

  /** What the event yields for a rule set. */
  planFor(rules: Planning): Plan {
    let plan = this.#plans.get(rules)
    if (!plan) {
      plan = rules.plan(this)
      this.#plans.set(rules, plan)
    }
    return plan
  }
}

/** The names of a dot-separated property path; `\.` and `\\` stand for themselves (spec: appendices). */
export function parsePath(path: string): string[] {
  const names: string[] = []
  let name = ''
  for (let i = 0; i < path.length; i++) {
    const char = path[i] as string
    const next = path[i + 1]
    if (char === '\\' && (next === '.' || next === '\\')) {
      name += next
      i++
    } else if (char === '.') {
      names.push(name)
      name = ''
    } else {
      name += char
    }
  }
  return [...names, name]
}
