import { z } from 'zod'
import { roomEventFilter } from '../../services/sync/filter-schema.ts'
import { jsonText, route } from '../route.ts'

const MAX_TERM = 512
const MAX_CONTEXT = 20
const DEFAULT_CONTEXT = 5
const KINDS = { 'content.body': 'body', 'content.name': 'name', 'content.topic': 'topic' } as const

const count = z
  .int()
  .nonnegative()
  .default(DEFAULT_CONTEXT)
  .transform((value) => Math.min(value, MAX_CONTEXT))

const roomEvents = z.object({
  search_term: z.string().max(MAX_TERM),
  keys: z.array(z.enum(['content.body', 'content.name', 'content.topic'])).optional(),
  filter: roomEventFilter.default({}),
  order_by: z.enum(['recent', 'rank']).default('rank'),
  event_context: z
    .object({ before_limit: count, after_limit: count, include_profile: z.boolean().default(false) })
    .optional(),
  include_state: z.boolean().default(false),
  groupings: z
    .object({
      group_by: z
        .array(z.object({ key: z.enum(['room_id', 'sender']) }))
        .max(10)
        .default([]),
    })
    .optional(),
})

export const search = route(
  {
    id: 'client.search',
    method: 'POST',
    path: ['/_matrix/client/v3/search', '/_matrix/client/r0/search'],
    auth: 'user',
    query: z.object({ next_batch: z.string().max(100).optional() }),
    body: z.object({ search_categories: z.object({ room_events: roomEvents.optional() }) }),
  },
  async ({ requester, query, body }, { searchMessages }) => {
    const asked = body.search_categories.room_events
    // There is one category; who asks for none finds nothing.
    if (!asked) return { search_categories: {} }
    const context = asked.event_context
    return jsonText(
      await searchMessages(
        requester,
        {
          term: asked.search_term,
          kinds: asked.keys?.map((key) => KINDS[key]),
          filter: asked.filter,
          order: asked.order_by,
          context: context && {
            before: context.before_limit,
            after: context.after_limit,
            includeProfile: context.include_profile,
          },
          includeState: asked.include_state,
          groupBy: [...new Set(asked.groupings?.group_by.map(({ key }) => key))],
        },
        query.next_batch,
      ),
    )
  },
)
