import { z } from 'zod'
import type { PublicRoomsQuery } from '../services/rooms/public-rooms.ts'

const MAX_SEARCH = 200
const MAX_TYPES = 50

/** The body of queryPublicRooms, of clients and of servers. */
export const publicRoomsBody = z.object({
  limit: z.int().nonnegative().optional(),
  since: z.string().optional(),
  filter: z
    .object({
      generic_search_term: z.string().max(MAX_SEARCH).nullish(),
      room_types: z.array(z.string().nullable()).max(MAX_TYPES).nullish(),
    })
    .optional(),
})

/** The same in the terms of the service. */
export const publicRoomsQuery = ({ limit, since, filter }: z.output<typeof publicRoomsBody>): PublicRoomsQuery => ({
  limit,
  since,
  search: filter?.generic_search_term ?? undefined,
  roomTypes: filter?.room_types ?? undefined,
})
