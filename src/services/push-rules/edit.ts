import { badJson, invalidParam, MatrixError, missingParam, notFound } from '../../matrix/errors.ts'
import { isObject, type JsonObject } from '../../matrix/json.ts'
import { PREDEFINED } from './predefined.ts'
import type { PushAction, PushRule, RuleKind } from './rule.ts'
import type { StoredRules } from './rule-store.ts'

/** Where a new rule goes among the user's own: next to one of them, or before all. */
export interface Place {
  before?: string | undefined
  after?: string | undefined
}

/** What a client sends of a rule. */
export interface RuleBody {
  actions: PushAction[]
  conditions?: JsonObject[] | undefined
  pattern?: string | undefined
}

const MAX_OWN_RULES = 1_000
const MAX_ID_BYTES = 255

/** Adds or replaces an own rule. A new one is enabled; one that exists keeps its place unless a new one is named. */
export function setRule(
  stored: StoredRules,
  kind: RuleKind,
  ruleId: string,
  body: RuleBody,
  place: Place,
): StoredRules {
  checkId(ruleId)
  if (kind === 'postcontent') throw invalidParam('Rules of this kind are predefined')
  const rules = stored.own[kind] ?? []
  const index = rules.findIndex((rule) => rule.rule_id === ruleId)
  const existing = rules[index]
  const rule: PushRule = {
    rule_id: ruleId,
    default: false,
    enabled: existing?.enabled ?? true,
    actions: checkActions(body.actions),
    ...parametersOf(kind, body),
  }
  const others = rules.filter((other) => other !== existing)
  if (others.length >= MAX_OWN_RULES) throw new MatrixError('M_LIMIT_EXCEEDED', 'Too many push rules', { status: 400 })
  return withRules(stored, kind, others.toSpliced(placeAmong(others, place) ?? Math.max(index, 0), 0, rule))
}

export function deleteRule(stored: StoredRules, kind: RuleKind, ruleId: string): StoredRules {
  const rules = stored.own[kind] ?? []
  const others = rules.filter((rule) => rule.rule_id !== ruleId)
  if (others.length === rules.length) {
    if (isPredefined(kind, ruleId)) throw invalidParam('A predefined rule can be disabled, not deleted')
    throw notFound('The push rule was not found')
  }
  return withRules(stored, kind, others)
}

/** Changes whether a rule is enabled, or its actions; predefined ones too. */
export function changeRule(
  stored: StoredRules,
  kind: RuleKind,
  ruleId: string,
  change: { enabled: boolean } | { actions: PushAction[] },
): StoredRules {
  if ('actions' in change) checkActions(change.actions)
  if (isPredefined(kind, ruleId)) {
    return { ...stored, changed: { ...stored.changed, [ruleId]: { ...stored.changed[ruleId], ...change } } }
  }
  const rules = stored.own[kind] ?? []
  if (!rules.some((rule) => rule.rule_id === ruleId)) throw notFound('The push rule was not found')
  return withRules(
    stored,
    kind,
    rules.map((rule) => (rule.rule_id === ruleId ? { ...rule, ...change } : rule)),
  )
}

/**
 * Gives the successor of a room what the user has set for the room: the rule of its own kind, and those whose conditions
 * name it, by which clients mute a room. Like clients, it calls them by the room. Undefined: there is nothing to give.
 */
export function carryRules(stored: StoredRules, oldRoomId: string, newRoomId: string): StoredRules | undefined {
  let after: StoredRules | undefined
  for (const kind of ['override', 'room', 'underride'] as const) {
    const rules = stored.own[kind] ?? []
    const rule = rules.find((one) => one.enabled && isForRoom(kind, one, oldRoomId))
    const isThere = rules.some(({ rule_id: id }) => id === newRoomId)
    if (!rule || isThere || rules.length >= MAX_OWN_RULES) continue
    after = withRules(after ?? stored, kind, [withRoom(rule, oldRoomId, newRoomId), ...rules])
  }
  return after
}

const isForRoom = (kind: RuleKind, { rule_id: id, conditions }: PushRule, roomId: string): boolean =>
  kind === 'room' ? id === roomId : (conditions ?? []).some((condition) => namesRoom(condition, roomId))

const namesRoom = ({ kind, key, pattern }: JsonObject, roomId: string): boolean =>
  kind === 'event_match' && key === 'room_id' && pattern === roomId

const withRoom = ({ conditions, ...others }: PushRule, oldRoomId: string, newRoomId: string): PushRule => ({
  ...others,
  rule_id: newRoomId,
  ...(conditions && {
    conditions: conditions.map((one) => (namesRoom(one, oldRoomId) ? { ...one, pattern: newRoomId } : one)),
  }),
})

const withRules = (stored: StoredRules, kind: RuleKind, rules: PushRule[]): StoredRules => ({
  ...stored,
  own: { ...stored.own, [kind]: rules },
})

const isPredefined = (kind: RuleKind, ruleId: string) => PREDEFINED[kind].some((rule) => rule.rule_id === ruleId)

function checkId(ruleId: string): void {
  if (ruleId.startsWith('.')) throw invalidParam('Rule ids that begin with a dot are predefined')
  if (/[/\\]/.test(ruleId)) throw invalidParam('Rule ids have no slashes')
  if (Buffer.byteLength(ruleId) > MAX_ID_BYTES) throw invalidParam('The rule id is longer than 255 bytes')
}

function checkActions(actions: readonly PushAction[]): PushAction[] {
  for (const action of actions) {
    if (typeof action === 'string') continue
    if (!isObject(action) || typeof action.set_tweak !== 'string') throw badJson('Not a push action')
  }
  return [...actions]
}

function parametersOf(kind: RuleKind, { conditions, pattern }: RuleBody): Pick<PushRule, 'conditions' | 'pattern'> {
  if (kind === 'content') {
    if (pattern === undefined) throw missingParam('A content rule has a `pattern`')
    return { pattern }
  }
  if (kind !== 'override' && kind !== 'underride') return {}
  for (const condition of conditions ?? []) {
    if (typeof condition.kind !== 'string') throw badJson('A condition has a `kind`')
  }
  return { conditions: conditions ?? [] }
}

/** The index at which to insert, if a place is named. */
function placeAmong(rules: readonly PushRule[], { before, after }: Place): number | undefined {
  const find = (ruleId: string) => {
    const index = rules.findIndex((rule) => rule.rule_id === ruleId)
    if (index < 0) throw new MatrixError('M_UNKNOWN', `before/after rule not found: ${ruleId}`, { status: 400 })
    return index
  }
  if (before !== undefined) return find(before)
  if (after !== undefined) return find(after) + 1
  return undefined
}
