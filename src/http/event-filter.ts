import { z } from 'zod'
import { roomEventFilter } from '../services/sync/filter-schema.ts'
import { jsonParam } from './query.ts'

/** A RoomEventFilter as JSON in a query parameter. */
export const roomEventFilterParam = jsonParam.transform((value, ctx) => {
  const { success, data, error } = roomEventFilter.safeParse(value)
  if (success) return data
  // An issue of the parameter itself: to whoever reads the query, what is inside of it is one text.
  ctx.addIssue({ code: 'custom', message: `${error.issues[0]?.path.join('.')}: ${error.issues[0]?.message}` })
  return z.NEVER
})
