import { z } from 'zod'
import type { Dialect } from '../../services/sliding/request.ts'

/** The bodies of sliding sync: of MSC4186 as it was accepted, and in the form that clients were written for before. */

const MAX_LISTS = 100
const MAX_SUBSCRIPTIONS = 100
/**
 * The older form had no such bound: until 2026 Element X (matrix-rust-sdk 0.16) subscribed to every room that its user
 * scrolled past, and never ceased to.
 */
const MAX_OLD_SUBSCRIPTIONS = 1_000
const MAX_PATTERNS = 200
const MAX_NAMES = 100
const MAX_RANGES = 20
/** More than anybody shows at once; `/messages` has the rest. */
const MAX_TIMELINE_LIMIT = 200
const MAX_LIST_NAME = 64

const text = z.string().max(255)
const names = z.array(text).max(MAX_NAMES)
const types = z.array(text.nullable()).max(MAX_NAMES)
const timelineLimit = z
  .int()
  .nonnegative()
  .transform((limit) => Math.min(limit, MAX_TIMELINE_LIMIT))
const range = z.tuple([z.int().nonnegative(), z.int().nonnegative()])

const filter = {
  is_dm: z.boolean().nullish(),
  spaces: names.nullish(),
  is_encrypted: z.boolean().nullish(),
  room_types: types.nullish(),
  not_room_types: types.nullish(),
  tags: names.nullish(),
  not_tags: names.nullish(),
}
const scope = z.object({ enabled: z.boolean().nullish(), lists: names.nullish(), rooms: names.nullish() })
const profiles = scope.extend({ fields: names.nullish() })
const extensions = z
  .object({
    to_device: z
      .object({
        enabled: z.boolean().nullish(),
        limit: z.int().positive().nullish(),
        since: z
          .string()
          .regex(/^\d{1,15}$/, 'Not a token of this server')
          .nullish(),
      })
      .nullish(),
    e2ee: z.object({ enabled: z.boolean().nullish() }).nullish(),
    account_data: scope.nullish(),
    receipts: scope.nullish(),
    typing: scope.nullish(),
    'io.element.msc4308.thread_subscriptions': z
      .object({ enabled: z.boolean().nullish(), limit: z.int().positive().nullish() })
      .nullish(),
    profiles: profiles.nullish(),
    'org.matrix.msc4262.profiles': profiles.nullish(),
  })
  .nullish()

const top = {
  conn_id: text.nullish(),
  pos: text.nullish(),
  timeout: z.int().nonnegative().nullish(),
  set_presence: text.nullish(),
  extensions,
}

const element = z.object({ type: text.nullish(), state_key: text.nullish() })
const stableRoom = {
  timeline_limit: timelineLimit,
  required_state: z.object({
    include: z.array(element).max(MAX_PATTERNS).nullish(),
    exclude: z.array(element).max(MAX_PATTERNS).nullish(),
    lazy_members: z.boolean().nullish(),
  }),
}
const unstableRoom = {
  timeline_limit: timelineLimit,
  // Clients built with ruma leave it out where they want none.
  required_state: z
    .array(z.tuple([text, text]))
    .max(MAX_PATTERNS)
    .nullish(),
}
const listName = z.string().max(MAX_LIST_NAME)

/** `POST /v4/sync` (MSC4186). */
export const stableBody = z.object({
  ...top,
  lists: z
    .record(
      listName,
      z.object({
        ...stableRoom,
        range: range.nullish(),
        filters: z.object({ ...filter, is_invited: z.boolean().nullish() }).nullish(),
      }),
    )
    .nullish(),
  room_subscriptions: z.record(text, z.object(stableRoom)).nullish(),
})

/** The same as Element X and other clients send it, before it was accepted. */
export const unstableBody = z.object({
  ...top,
  lists: z
    .record(
      listName,
      z.object({
        ...unstableRoom,
        ranges: z.array(range).max(MAX_RANGES).nullish(),
        slow_get_all_rooms: z.boolean().nullish(),
        filters: z.object({ ...filter, is_invite: z.boolean().nullish(), room_name_like: text.nullish() }).nullish(),
      }),
    )
    .nullish(),
  room_subscriptions: z.record(text, z.object(unstableRoom)).nullish(),
})

export type StableBody = z.infer<typeof stableBody>
export type UnstableBody = z.infer<typeof unstableBody>

/** Which rules a body has too many of, in words; undefined: it has not. */
export function excessOf(dialect: Dialect, { lists, room_subscriptions }: StableBody | UnstableBody) {
  const maxSubscriptions = dialect === 'stable' ? MAX_SUBSCRIPTIONS : MAX_OLD_SUBSCRIPTIONS
  if (Object.keys(lists ?? {}).length > MAX_LISTS) return `more than ${MAX_LISTS} lists`
  if (Object.keys(room_subscriptions ?? {}).length > maxSubscriptions)
    return `more than ${maxSubscriptions} subscriptions`
  return undefined
}
