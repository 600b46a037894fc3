import type { Json, JsonObject } from '../../matrix/json.ts'

/**
 * The kinds of push rules, in the order in which they are tried (spec: client-server API, Push Rules). `postcontent` is
 * MSC4306's, and has predefined rules only.
 */
export const RULE_KINDS = ['override', 'content', 'postcontent', 'room', 'sender', 'underride'] as const
export type RuleKind = (typeof RULE_KINDS)[number]

/** `notify`, or `{set_tweak, value?}`; unknown ones are kept for the client's sake. */
export type PushAction = Json

/** A rule as clients see it. */
export interface PushRule {
  rule_id: string
  default: boolean
  enabled: boolean
  actions: PushAction[]
  /** Of `override`, `postcontent` and `underride` rules. */
  conditions?: JsonObject[]
  /** Of `content` rules: a glob. */
  pattern?: string
}

/** All rules of a user, each kind from the most to the least important. */
export type Ruleset = Record<RuleKind, PushRule[]>
