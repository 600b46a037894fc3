import { z } from 'zod'
import { invalidParam } from '../matrix/errors.ts'
import type { PublicRoomsQuery } from '../services/rooms/directory/public-rooms.ts'
import { boolParam, firstParam, intParam } from './query.ts'

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
  include_all_networks: z.boolean().nullish(),
  third_party_instance_id: z.string().nullish(),
})

/** The parameters of getPublicRooms; the last two are those of servers only. */
export const publicRoomsParams = z.object({
  limit: intParam.optional(),
  since: firstParam.optional(),
  include_all_networks: boolParam.optional(),
  third_party_instance_id: firstParam.optional(),
})

type Asked = Partial<z.output<typeof publicRoomsBody>>

/** Either of them in the terms of the service. Throws `M_INVALID_PARAM` for one network and all of them at once. */
export function publicRoomsQuery({ limit, since, filter, ...networks }: Asked): PublicRoomsQuery {
  const includesAllNetworks = networks.include_all_networks ?? undefined
  const network = networks.third_party_instance_id ?? undefined
  if (includesAllNetworks && network !== undefined) throw invalidParam('One network, or all of them')
  return {
    limit,
    since,
    search: filter?.generic_search_term ?? undefined,
    roomTypes: filter?.room_types ?? undefined,
    network,
    includesAllNetworks,
  }
}
