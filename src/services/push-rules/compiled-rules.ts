import { isObject } from '../../matrix/json.ts'
import { bodyMatches, type Condition, compileCondition } from './conditions.ts'
import type { Outcome, Plan } from './plan.ts'
import { TEXT_MENTION_RULES } from './predefined.ts'
import type { PushEvent } from './push-event.ts'
import { type PushAction, type PushRule, RULE_KINDS, type RuleKind, type Ruleset } from './rule.ts'
import { Work } from './work.ts'

const NOTHING: Outcome = { notify: false, highlight: false, actions: [] }

interface CompiledRule {
  readonly conditions: readonly Condition[]
  readonly outcome: Outcome
  readonly isPersonal: boolean
}

/** The enabled rules of a user, or of all users who changed nothing, ready to judge events. */
export class CompiledRules {
  readonly #rules: readonly CompiledRule[]

  constructor(rules: Ruleset) {
    const all = RULE_KINDS.flatMap((kind) => rules[kind].map((rule) => ({ kind, rule })))
    // The master rule comes before all others, the user's own ones too.
    const master = all.filter(({ rule }) => rule.rule_id === '.m.rule.master')
    const others = all.filter(({ rule }) => rule.rule_id !== '.m.rule.master')
    this.#rules = [...master, ...others].filter(({ rule }) => rule.enabled).map(({ kind, rule }) => compile(kind, rule))
  }

  plan(event: PushEvent): Plan {
    const personal: CompiledRule[] = []
    const work = new Work()
    let outcome = NOTHING
    for (const rule of this.#rules) {
      if (!rule.conditions.every((condition) => condition.holds(event, work))) continue
      if (!rule.isPersonal) {
        outcome = rule.outcome
        break
      }
      personal.push(rule)
    }
    return {
      needsDisplayName: personal.some((rule) => rule.conditions.some((condition) => condition.needsDisplayName)),
      needsFollowing: personal.some((rule) => rule.conditions.some((condition) => condition.needsFollowing)),
      decide: (user) => {
        // Nobody is notified of what they sent themselves.
        if (user.userId === event.sender) return NOTHING
        const first = personal.find((rule) => rule.conditions.every((c) => c.holdsFor?.(event, user) ?? true))
        return first?.outcome ?? outcome
      },
    }
  }
}

function compile(kind: RuleKind, rule: PushRule): CompiledRule {
  const conditions = [...conditionsOf(kind, rule)]
  if (TEXT_MENTION_RULES.has(rule.rule_id)) conditions.unshift(saysNothingOfMentions)
  return {
    conditions,
    outcome: outcomeOf(rule.actions),
    isPersonal: conditions.some((condition) => condition.holdsFor !== undefined),
  }
}

const saysNothingOfMentions: Condition = { holds: (event) => !event.saysWhomItMentions }

function conditionsOf(kind: RuleKind, rule: PushRule): Condition[] {
  switch (kind) {
    case 'content':
      return [bodyMatches(rule.pattern ?? '')]
    case 'room':
      return [{ holds: (event) => event.facts.roomId === rule.rule_id }]
    case 'sender':
      return [{ holds: (event) => event.sender === rule.rule_id }]
    default:
      return (rule.conditions ?? []).map(compileCondition)
  }
}

/** `dont_notify` and `coalesce` are ignored (spec: Historical Actions). */
function outcomeOf(all: readonly PushAction[]): Outcome {
  const actions = all.filter((action) => action !== 'dont_notify' && action !== 'coalesce')
  if (!actions.includes('notify')) return NOTHING
  const highlight = actions.some(
    (action) =>
      isObject(action) && action.set_tweak === 'highlight' && (action.value === undefined || action.value === true),
  )
  return { notify: true, highlight, actions }
}
