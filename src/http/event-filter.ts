import { z } from 'zod'
import { roomId, userId } from '../matrix/ids.ts'
import { jsonParam } from './query.ts'

/** Entries of one list of a filter. */
const MAX_ENTRIES = 1_000

const list = <T>(item: z.ZodType<T>) => z.array(item).max(MAX_ENTRIES).optional()
const texts = list(z.string())

/** The part that all filters have (spec: Filtering, EventFilter). */
export const eventFilter = z.object({
  limit: z.int().nonnegative().optional(),
  types: texts,
  not_types: texts,
  senders: list(userId),
  not_senders: list(userId),
})

/** RoomEventFilter, with the names that MSC3874 had before; the unstable ones yield to the stable. */
export const roomEventFilter = eventFilter
  .extend({
    rooms: list(roomId),
    not_rooms: list(roomId),
    contains_url: z.boolean().optional(),
    lazy_load_members: z.boolean().optional(),
    include_redundant_members: z.boolean().optional(),
    unread_thread_notifications: z.boolean().optional(),
    rel_types: texts,
    not_rel_types: texts,
    'org.matrix.msc3874.rel_types': texts,
    'org.matrix.msc3874.not_rel_types': texts,
  })
  .transform(
    ({ 'org.matrix.msc3874.rel_types': rel_types, 'org.matrix.msc3874.not_rel_types': not_rel_types, ...filter }) => ({
      ...filter,
      rel_types: filter.rel_types ?? rel_types,
      not_rel_types: filter.not_rel_types ?? not_rel_types,
    }),
  )

/** A RoomEventFilter as JSON in a query parameter. */
export const roomEventFilterParam = jsonParam.transform((value, ctx) => {
  const { success, data, error } = roomEventFilter.safeParse(value)
  if (success) return data
  // An issue of the parameter itself: to whoever reads the query, what is inside of it is one text.
  ctx.addIssue({ code: 'custom', message: `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}` })
  return z.NEVER
})
