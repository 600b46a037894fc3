import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Services } from '../../compose/services.ts'
import { invalidParam } from '../../matrix/errors.ts'
import { PRESENCES } from '../../services/presence/user-presence.ts'
import type { Dialect, SlidingRequest } from '../../services/sliding/request.ts'
import { firstParam, intParam } from '../query.ts'
import { jsonText, type Requester, type RouteInput, route } from '../route.ts'
import { excessOf, stableBody, unstableBody } from './sliding-sync-body.ts'
import { type Rules, stableRules, unstableRules } from './sliding-sync-rules.ts'

/** What clients of the older form send in the query; others in the body. Either is taken from both. */
const query = z.object({
  pos: firstParam.optional(),
  timeout: intParam.optional(),
  set_presence: firstParam.optional(),
})

type Input<Body> = Pick<RouteInput<'guest', unknown, z.infer<typeof query>, Body>, 'query' | 'body' | 'signal'> & {
  requester: Requester
}

/** Sliding sync (MSC4186). */
export const slidingSync = route(
  {
    id: 'client.slidingSync',
    method: 'POST',
    path: '/_matrix/client/v4/sync',
    auth: 'guest',
    limit: 'sync',
    query,
    body: stableBody,
  },
  (input, services) => answer('stable', input, stableRules(input.body), services),
)

export const unstableSlidingSync = route(
  {
    id: 'client.unstableSlidingSync',
    method: 'POST',
    path: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
    auth: 'guest',
    limit: 'sync',
    query,
    body: unstableBody,
  },
  (input, services) => answer('unstable', input, unstableRules(input.body, input.requester.userId), services),
)

async function answer(
  dialect: Dialect,
  { requester, query, body, signal }: Input<z.infer<typeof stableBody> | z.infer<typeof unstableBody>>,
  rules: Rules,
  { slidingSync, presence }: Pick<Services, 'slidingSync' | 'presence'>,
) {
  const excess = excessOf(dialect, body)
  if (excess !== undefined) throw invalidParam(`There are ${excess}`)
  const pos = query.pos ?? body.pos ?? undefined
  const timeoutMs = Math.max(query.timeout ?? body.timeout ?? 0, 0)
  await presence.onSync(requester, presenceOf(query.set_presence ?? body.set_presence ?? undefined), timeoutMs)
  const request: SlidingRequest = {
    ...rules,
    dialect,
    connId: body.conn_id ?? '',
    pos,
    timeoutMs,
    fingerprint: createHash('sha256')
      .update(JSON.stringify([dialect, pos, body]))
      .digest('base64url'),
  }
  return jsonText(await slidingSync.answer(requester, request, signal))
}

function presenceOf(text: string | undefined) {
  const presence = PRESENCES.find((known) => known === (text ?? 'online'))
  if (!presence) throw invalidParam('There is no such presence')
  return presence
}
