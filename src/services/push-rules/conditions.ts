import { localpartOf } from '../../matrix/ids.ts'
import type { JsonObject } from '../../matrix/json.ts'
import { containsWord, Glob } from './glob.ts'
import type { PushUser } from './plan.ts'
import { SELF, SELF_LOCALPART, THREAD_SUBSCRIPTION } from './predefined.ts'
import { type PushEvent, parsePath } from './push-event.ts'
import type { Work } from './work.ts'

/** A condition, split into what holds for everybody and what depends on the user. */
export interface Condition {
  /** `work`: what may still be done for the event. */
  holds(event: PushEvent, work: Work): boolean
  holdsFor?(event: PushEvent, user: PushUser): boolean
  needsDisplayName?: true
  needsFollowing?: true
}

const NEVER: Condition = { holds: () => false }

/** Compiles a condition; one that is not understood never holds (spec: Conditions). */
export function compileCondition(condition: JsonObject): Condition {
  const { kind, key, pattern, value } = condition
  const path = typeof key === 'string' ? parsePath(key) : undefined
  switch (kind) {
    case 'event_match':
      return path && typeof pattern === 'string' ? eventMatch(path, pattern) : NEVER
    case 'event_property_is':
      return path && isSimple(value) ? { holds: (event) => event.property(path) === value } : NEVER
    case 'event_property_contains':
      return path && isSimple(value) ? propertyContains(path, value) : NEVER
    case 'contains_display_name':
      return containsDisplayName
    case 'room_member_count':
      return memberCount(condition.is)
    case 'sender_notification_permission':
      return typeof key === 'string' ? { holds: (event) => event.facts.senderMayNotify(key) } : NEVER
    case THREAD_SUBSCRIPTION:
      return typeof condition.subscribed === 'boolean' ? threadSubscription(condition.subscribed) : NEVER
    default:
      return NEVER
  }
}

/** The condition that a `content` rule's pattern is. */
export const bodyMatches = (pattern: string): Condition => eventMatch(['content', 'body'], pattern)

const isSimple = (value: unknown): value is string | number | boolean | null =>
  value === null ||
  typeof value === 'string' ||
  typeof value === 'boolean' ||
  (typeof value === 'number' && Number.isSafeInteger(value))

function eventMatch(path: readonly string[], pattern: string): Condition {
  if (path.length === 2 && path[0] === 'content' && path[1] === 'body') {
    if (pattern === SELF_LOCALPART) return containsLocalpart
    const glob = new Glob(pattern)
    return {
      holds: ({ body }, work) => body !== undefined && work.take(glob.stepsFor(body.length)) && glob.matchesWords(body),
    }
  }
  if (pattern === SELF) {
    return {
      holds: (event) => typeof event.property(path) === 'string',
      holdsFor: (event, user) => event.property(path) === user.userId,
    }
  }
  const glob = new Glob(pattern)
  return {
    holds: (event, work) => {
      const value = event.property(path)
      return typeof value === 'string' && work.take(glob.stepsFor(value.length)) && glob.matches(value.toLowerCase())
    },
  }
}

function propertyContains(path: readonly string[], value: string | number | boolean | null): Condition {
  const list = (event: PushEvent): unknown[] => {
    const found = event.property(path)
    return Array.isArray(found) ? found : []
  }
  if (value !== SELF) {
    return {
      holds: (event, work) => {
        const items = list(event)
        return work.take(items.length) && items.includes(value)
      },
    }
  }
  return {
    holds: (event) => list(event).length > 0,
    holdsFor: (event, user) => list(event).includes(user.userId),
  }
}

/** As long as a profile's name may be. A member event may claim any other, and is looked for in every text of the room. */
const MAX_NAME = 256

/** A name as it stands in the text: no glob, whatever characters it has. */
const isNamed = ({ body }: PushEvent, name = ''): boolean =>
  body !== undefined && name !== '' && name.length <= MAX_NAME && containsWord(body, name.toLowerCase())

const containsDisplayName: Condition = {
  holds: (event) => event.body !== undefined,
  holdsFor: (event, user) => isNamed(event, user.displayName),
  needsDisplayName: true,
}

const containsLocalpart: Condition = {
  holds: (event) => event.body !== undefined,
  holdsFor: (event, user) => isNamed(event, localpartOf(user.userId)),
}

/**
 * NOTSPEC: holds neither way for a user who never followed or left a thread. Clients that do not know of this would else
 * get no notifications from threads any more.
 */
const threadSubscription = (wanted: boolean): Condition => ({
  holds: (event) => event.thread !== undefined,
  holdsFor: (_event, user) => user.followsThread === wanted,
  needsFollowing: true,
})

const COUNT = /^(==|<=|>=|<|>)?(\d{1,15})$/

function memberCount(is: unknown): Condition {
  const found = typeof is === 'string' ? COUNT.exec(is) : null
  if (!found) return NEVER
  const wanted = Number(found[2])
  const compare: (count: number) => boolean = {
    '==': (count: number) => count === wanted,
    '<': (count: number) => count < wanted,
    '>': (count: number) => count > wanted,
    '<=': (count: number) => count <= wanted,
    '>=': (count: number) => count >= wanted,
  }[(found[1] ?? '==') as '==' | '<' | '>' | '<=' | '>=']
  return { holds: (event) => compare(event.facts.joinedMembers) }
}
