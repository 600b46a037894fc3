import type { UserId } from '../../matrix/ids.ts'
import { PREDEFINED, personalised } from './predefined.ts'
import { type PushAction, type PushRule, RULE_KINDS, type RuleKind, type Ruleset } from './rule.ts'

/** What is stored of a user's rules: the own ones, and how predefined ones were changed. */
export interface StoredRules {
  own: Partial<Record<RuleKind, PushRule[]>>
  changed: Record<string, { enabled?: boolean; actions?: PushAction[] }>
}

export const NO_CHANGES: StoredRules = { own: {}, changed: {} }

/**
 * All rules that apply, the most important first: own ones before predefined ones, the master rule before all.
 * Conditions that name the user still hold the placeholders of `predefined.ts`.
 */
export function effectiveRules({ own, changed }: StoredRules): Ruleset {
  const ofKind = (kind: RuleKind): PushRule[] => {
    const predefined = PREDEFINED[kind].map((rule) => ({
      ...rule,
      ...(Object.hasOwn(changed, rule.rule_id) ? changed[rule.rule_id] : {}),
    }))
    const isMaster = (rule: PushRule) => rule.rule_id === '.m.rule.master'
    return [...predefined.filter(isMaster), ...(own[kind] ?? []), ...predefined.filter((rule) => !isMaster(rule))]
  }
  return Object.fromEntries(RULE_KINDS.map((kind) => [kind, ofKind(kind)])) as Ruleset
}

/** The same, as the user is shown them. */
export function shownRules(stored: StoredRules, userId: UserId): Ruleset {
  const rules = effectiveRules(stored)
  return Object.fromEntries(
    RULE_KINDS.map((kind) => [kind, rules[kind].map((rule) => personalised(rule, userId))]),
  ) as Ruleset
}
