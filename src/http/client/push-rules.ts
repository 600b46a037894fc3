import { z } from 'zod'
import { notFound } from '../../matrix/errors.ts'
import { isObject, type Json, type JsonObject } from '../../matrix/json.ts'
import { RULE_KINDS, type RuleKind } from '../../services/push-rules/rule.ts'
import { route } from '../route.ts'

const paths = (suffix: string) => ['v3', 'r0'].map((version) => `/_matrix/client/${version}/pushrules${suffix}`)
const ONE = paths('/global/:kind/:ruleId')
const named = z.object({ kind: z.string(), ruleId: z.string() })
const actions = z
  .array(z.custom<Json>((value) => typeof value === 'string' || isObject(value), 'Not a push action'))
  .max(100)

export const getPushRules = route(
  { id: 'client.getPushRules', method: 'GET', path: paths('/'), auth: 'user' },
  async ({ requester }, { pushRules }) => ({ global: await pushRules.of(requester) }),
)

export const getPushRulesGlobal = route(
  { id: 'client.getPushRulesGlobal', method: 'GET', path: paths('/global/'), auth: 'user' },
  ({ requester }, { pushRules }) => pushRules.of(requester),
)

export const getPushRule = route(
  { id: 'client.getPushRule', method: 'GET', path: ONE, auth: 'user', params: named },
  async ({ requester, params }, { pushRules }) => pushRules.get(requester, kindOf(params.kind), params.ruleId),
)

export const setPushRule = route(
  {
    id: 'client.setPushRule',
    method: 'PUT',
    path: ONE,
    auth: 'user',
    params: z.object({ kind: z.enum(RULE_KINDS), ruleId: z.string() }),
    query: z.object({ before: z.string().optional(), after: z.string().optional() }),
    body: z.object({
      actions,
      conditions: z.array(z.custom<JsonObject>(isObject, 'Not a push condition')).max(100).optional(),
      pattern: z.string().max(1_000).optional(),
    }),
  },
  async ({ requester, params, query, body }, { pushRules }) => {
    await pushRules.set(requester, params.kind, params.ruleId, body, query)
    return {}
  },
)

export const deletePushRule = route(
  { id: 'client.deletePushRule', method: 'DELETE', path: ONE, auth: 'user', params: named },
  async ({ requester, params }, { pushRules }) => {
    await pushRules.delete(requester, kindOf(params.kind), params.ruleId)
    return {}
  },
)

export const isPushRuleEnabled = route(
  {
    id: 'client.isPushRuleEnabled',
    method: 'GET',
    path: paths('/global/:kind/:ruleId/enabled'),
    auth: 'user',
    params: named,
  },
  async ({ requester, params }, { pushRules }) => ({
    enabled: (await pushRules.get(requester, kindOf(params.kind), params.ruleId)).enabled,
  }),
)

export const setPushRuleEnabled = route(
  {
    id: 'client.setPushRuleEnabled',
    method: 'PUT',
    path: paths('/global/:kind/:ruleId/enabled'),
    auth: 'user',
    params: named,
    body: z.object({ enabled: z.boolean() }),
  },
  async ({ requester, params, body }, { pushRules }) => {
    await pushRules.setEnabled(requester, kindOf(params.kind), params.ruleId, body.enabled)
    return {}
  },
)

export const getPushRuleActions = route(
  {
    id: 'client.getPushRuleActions',
    method: 'GET',
    path: paths('/global/:kind/:ruleId/actions'),
    auth: 'user',
    params: named,
  },
  async ({ requester, params }, { pushRules }) => ({
    actions: (await pushRules.get(requester, kindOf(params.kind), params.ruleId)).actions,
  }),
)

export const setPushRuleActions = route(
  {
    id: 'client.setPushRuleActions',
    method: 'PUT',
    path: paths('/global/:kind/:ruleId/actions'),
    auth: 'user',
    params: named,
    body: z.object({ actions }),
  },
  async ({ requester, params, body }, { pushRules }) => {
    await pushRules.setActions(requester, kindOf(params.kind), params.ruleId, body.actions)
    return {}
  },
)

/** Of a kind that nobody knows there are no rules. */
function kindOf(name: string): RuleKind {
  const kind = RULE_KINDS.find((known) => known === name)
  if (!kind) throw notFound('The push rule was not found')
  return kind
}
