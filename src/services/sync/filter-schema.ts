import { z } from 'zod'
import { isRoomId, isUserId } from '../../matrix/ids.ts'

/** Entries of one list; a filter with more would cost each event too much. */
const MAX_ENTRIES = 1_000

const texts = z.array(z.string()).max(MAX_ENTRIES)
const users = z.array(z.string().refine(isUserId, 'Not a user id')).max(MAX_ENTRIES)
const rooms = z.array(z.string().refine(isRoomId, 'Not a room id')).max(MAX_ENTRIES)

/** Fields of profiles that one filter names. */
const MAX_PROFILE_FIELDS = 100
/** They are looked up in the database, which takes no NUL. */
const fieldName = z.string().refine((name) => !name.includes('\u0000') && name.isWellFormed(), 'Not a name of a field')
const profileFields = z.object({ ids: z.array(fieldName).max(MAX_PROFILE_FIELDS).optional() })

const eventFilter = z.object({
  limit: z.int().nonnegative().optional(),
  senders: users.optional(),
  not_senders: users.optional(),
  types: texts.optional(),
  not_types: texts.optional(),
})

/** A filter of a room's events (spec: RoomEventFilter), with relations by MSC3874 and the names that it had before. */
export const roomEventFilter = eventFilter.extend({
  rooms: rooms.optional(),
  not_rooms: rooms.optional(),
  contains_url: z.boolean().optional(),
  lazy_load_members: z.boolean().optional(),
  include_redundant_members: z.boolean().optional(),
  unread_thread_notifications: z.boolean().optional(),
  rel_types: texts.optional(),
  not_rel_types: texts.optional(),
  'org.matrix.msc3874.rel_types': texts.optional(),
  'org.matrix.msc3874.not_rel_types': texts.optional(),
})

/** A filter as clients define it (spec: client-server API, Filtering), with fields of profiles by MSC4429. Fields that nobody knows are dropped. */
export const filterSchema = z.object({
  event_fields: texts.optional(),
  event_format: z.enum(['client', 'federation']).optional(),
  presence: eventFilter.optional(),
  account_data: eventFilter.optional(),
  profile_fields: profileFields.optional(),
  'org.matrix.msc4429.profile_fields': profileFields.optional(),
  room: z
    .object({
      rooms: rooms.optional(),
      not_rooms: rooms.optional(),
      include_leave: z.boolean().optional(),
      ephemeral: roomEventFilter.optional(),
      state: roomEventFilter.optional(),
      timeline: roomEventFilter.optional(),
      account_data: roomEventFilter.optional(),
    })
    .optional(),
})

export type FilterContent = z.infer<typeof filterSchema>
export type EventFilterContent = z.infer<typeof roomEventFilter>
